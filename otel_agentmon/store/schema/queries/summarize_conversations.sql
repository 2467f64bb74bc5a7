-- One row a conversation, the one that spoke last first. A span that names no conversation belongs
-- to the first one its trace names; a turn is one trace.
SELECT
    if(s.GenAIConversationId != '', s.GenAIConversationId, t.Conversation) AS conversation,
    uniqExact(s.TraceId) AS turns,
    arraySort(groupUniqArrayIf(toString(s.GenAIAgentName), s.GenAIAgentName != '')) AS agents,
    countIf(s.StatusCode = 'Error') AS errors,
    countIf(s.IsModelCall) AS model_calls,
    ifNull(sumIf(s.GenAIInputTokens, s.IsModelCall), 0) AS input_tokens,
    ifNull(sumIf(s.GenAIOutputTokens, s.IsModelCall), 0) AS output_tokens,
    toFloat64(sumIf(s.CostUSD, s.IsModelCall)) AS cost_usd,
    countIf(s.IsModelCall AND s.CostUSD IS NULL) AS cost_unknown_calls,
    concat(replaceOne(toString(min(s.Timestamp), 'UTC'), ' ', 'T'), 'Z') AS first_time,
    concat(replaceOne(toString(max(s.Timestamp), 'UTC'), ' ', 'T'), 'Z') AS last_time
FROM otel_traces AS s
INNER JOIN
(
    SELECT TraceId, argMin(GenAIConversationId, Timestamp) AS Conversation
    FROM otel_traces
    WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
        AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
        AND GenAIConversationId != ''
    GROUP BY TraceId
) AS t USING (TraceId)
WHERE s.Timestamp >= fromUnixTimestamp64Nano({start:Int64})
    AND s.Timestamp < fromUnixTimestamp64Nano({end:Int64})
GROUP BY conversation
HAVING {agent:String} = '' OR has(agents, {agent:String})
ORDER BY max(s.Timestamp) DESC, conversation
LIMIT {limit:UInt32}
