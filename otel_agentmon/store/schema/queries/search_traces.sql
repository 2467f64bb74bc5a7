-- Traces with a span that starts in the window and to which every filter applies, newest first.
-- A filter left empty holds for all; the engine folds it away with the columns it would read.
SELECT TraceId, toUnixTimestamp64Nano(min(Timestamp)) AS StartUnixNano
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
    AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
    AND TraceId != ''
    AND SegmentNumber <= {newest_segment:UInt64}
GROUP BY TraceId
HAVING (StartUnixNano, TraceId) < ({before_start:Int64}, {before_trace:String})
    AND ({agent:String} = '' OR max(GenAIAgentName = {agent:String}))
    AND ({model:String} = '' OR max(GenAIRequestModel = {model:String} OR GenAIResponseModel = {model:String}))
    AND ({tool:String} = '' OR max(GenAIToolName = {tool:String}))
    AND ({conversation:String} = '' OR max(GenAIConversationId = {conversation:String}))
    AND ({service:String} = '' OR max(ServiceName = {service:String}))
    AND ({status:String} = '' OR max(StatusCode = 'Error') = ({status:String} = 'error'))
    AND ({min_duration:UInt64} = 0
        OR max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)) - StartUnixNano >= {min_duration:UInt64})
    AND ({min_cost:Decimal(18, 12)} = 0
        OR ifNull(sumIf(CostUSD, IsModelCall), 0) >= {min_cost:Decimal(18, 12)})
    AND ({text:String} = ''
        OR max(positionCaseInsensitiveUTF8(SpanName, {text:String}) > 0
            OR positionCaseInsensitiveUTF8(StatusMessage, {text:String}) > 0
            OR arrayExists(v -> positionCaseInsensitiveUTF8(v, {text:String}) > 0, mapValues(SpanAttributes)))
        OR TraceId IN (
            SELECT TraceId
            FROM otel_logs
            WHERE {text:String} != ''
                AND Timestamp >= fromUnixTimestamp64Nano({start:Int64})
                AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
                AND positionCaseInsensitiveUTF8(Body, {text:String}) > 0))
ORDER BY StartUnixNano DESC, TraceId DESC
LIMIT {limit:UInt32}
