-- One row a trace. A span sent twice counts once. Tokens and cost are those of model calls:
-- the spans around them repeat their children's usage.
SELECT
    TraceId AS trace_id,
    argMin(SpanName, (ParentSpanId != '', Timestamp)) AS name,
    argMin(ServiceName, (ParentSpanId != '', Timestamp)) AS service,
    arraySort(groupUniqArrayIf(toString(GenAIAgentName), GenAIAgentName != '')) AS agents,
    concat(replaceOne(toString(min(Timestamp), 'UTC'), ' ', 'T'), 'Z') AS start_time,
    max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)) - toUnixTimestamp64Nano(min(Timestamp)) AS duration_nano,
    count() AS spans,
    countIf(StatusCode = 'Error') AS errors,
    countIf(IsModelCall) AS model_calls,
    countIf(GenAIOperation = 'execute_tool') AS tool_calls,
    ifNull(sumIf(GenAIInputTokens, IsModelCall), 0) AS input_tokens,
    ifNull(sumIf(GenAIOutputTokens, IsModelCall), 0) AS output_tokens,
    toFloat64(sumIf(CostUSD, IsModelCall)) AS cost_usd,
    countIf(IsModelCall AND CostUSD IS NULL) AS cost_unknown_calls,
    argMinIf(GenAIConversationId, Timestamp, GenAIConversationId != '') AS conversation
FROM
(
    SELECT
        TraceId, SpanId, ParentSpanId, SpanName, ServiceName, Timestamp, Duration, StatusCode,
        GenAIAgentName, GenAIOperation, GenAIConversationId, IsModelCall, GenAIInputTokens,
        GenAIOutputTokens, CostUSD
    FROM otel_traces
    WHERE TraceId IN {traces:Array(String)}
        AND Timestamp >= fromUnixTimestamp64Nano({start:Int64})
        AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
    LIMIT 1 BY TraceId, SpanId
)
GROUP BY TraceId
