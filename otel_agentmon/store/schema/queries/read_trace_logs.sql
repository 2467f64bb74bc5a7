-- The log records of one trace; the columns are in the order of query's LogRecord.
SELECT
    concat(replaceOne(toString(Timestamp, 'UTC'), ' ', 'T'), 'Z') AS Time,
    SpanId,
    SeverityText,
    SeverityNumber,
    ServiceName,
    EventName,
    Body,
    LogAttributes
FROM otel_logs
WHERE TraceId = {trace:String}
    AND Timestamp >= fromUnixTimestamp64Nano({start:Int64})
    AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
ORDER BY Timestamp
LIMIT {limit:UInt32}
