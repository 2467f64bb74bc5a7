-- Between which seconds the spans of these traces start; what bounds every other read of them.
SELECT
    toInt64(toUnixTimestamp(min(Start))) * 1000000000 AS StartUnixNano,
    (toInt64(toUnixTimestamp(max(End))) + 1) * 1000000000 AS EndUnixNano
FROM otel_traces_trace_id_ts
WHERE TraceId IN {traces:Array(String)}
HAVING count() > 0
