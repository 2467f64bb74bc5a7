-- The spans of one trace in the order they started; the columns are in the order of query's Span.
SELECT
    SpanId,
    ParentSpanId,
    SpanName,
    SpanKind,
    ServiceName,
    concat(replaceOne(toString(Timestamp, 'UTC'), ' ', 'T'), 'Z') AS StartTime,
    toUnixTimestamp64Nano(Timestamp) AS StartUnixNano,
    Duration,
    StatusCode,
    StatusMessage,
    ErrorType,
    GenAIOperation,
    GenAIProvider,
    GenAIRequestModel,
    GenAIResponseModel,
    GenAIAgentName,
    GenAIAgentId,
    GenAIAgentVersion,
    GenAIConversationId,
    GenAIToolName,
    GenAIFinishReason,
    IsModelCall,
    GenAIInputTokens,
    GenAIOutputTokens,
    GenAICacheReadTokens,
    GenAICacheWriteTokens,
    GenAIReasoningTokens,
    toFloat64(CostUSD),
    CostUnknownReason,
    ScopeName,
    SpanAttributes,
    ResourceAttributes,
    arrayMap(
        (t, n, a) -> (concat(replaceOne(toString(t, 'UTC'), ' ', 'T'), 'Z'), n, a),
        `Events.Timestamp`, `Events.Name`, `Events.Attributes`) AS Events,
    arrayZip(`Links.TraceId`, `Links.SpanId`, `Links.Attributes`) AS Links
FROM otel_traces
WHERE TraceId = {trace:String}
    AND Timestamp >= fromUnixTimestamp64Nano({start:Int64})
    AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
ORDER BY Timestamp, SpanId
LIMIT {limit:UInt32}
