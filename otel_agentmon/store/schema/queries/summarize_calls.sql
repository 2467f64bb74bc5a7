-- One row an agent: the model and tool calls that are its own.
--
-- A call belongs to the agent it names; else to the agent of its nearest ancestor that names one;
-- else to the first agent of its trace; else it has none, and its service stands in. Ancestors are
-- found by pointer doubling over arrays of one trace: after n steps each span knows the nearest
-- agent among 2^n ancestors, so six steps see 64 levels. Ids are hashed to keep the arrays small.
WITH
    (
        SELECT arraySort(groupUniqArray(toString(GenAIAgentName)))
        FROM otel_traces
        WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
            AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
            AND GenAIAgentName != ''
    ) AS names
SELECT
    if(owner = 0, '', names[owner]) AS agent,
    if(owner = 0, call.2, '') AS service,
    countIf(call.3) AS model_calls,
    countIf(NOT call.3) AS tool_calls,
    ifNull(sumIf(call.4, call.3), 0) AS input_tokens,
    ifNull(sumIf(call.5, call.3), 0) AS output_tokens,
    toFloat64(sumIf(call.6, call.3)) AS cost_usd,
    countIf(call.3 AND call.6 IS NULL) AS cost_unknown_calls,
    max(call.7) AS last_seen
FROM
(
    SELECT
        calls AS call,
        if(agents6[place] != 0, agents6[place], first_agent) AS owner
    FROM
    (
        WITH
            arraySort(groupArray((cityHash64(SpanId), cityHash64(ParentSpanId), toUInt16(indexOf(names, GenAIAgentName))))) AS tree,
            tree.1 AS ids,
            arrayMap(parent -> toUInt32(indexOfAssumeSorted(ids, parent)), tree.2) AS up0,
            tree.3 AS agents0,
            arrayMap((a, u) -> if(a != 0 OR u = 0, a, agents0[u]), agents0, up0) AS agents1,
            arrayMap(u -> if(u = 0, 0, up0[u]), up0) AS up1,
            arrayMap((a, u) -> if(a != 0 OR u = 0, a, agents1[u]), agents1, up1) AS agents2,
            arrayMap(u -> if(u = 0, 0, up1[u]), up1) AS up2,
            arrayMap((a, u) -> if(a != 0 OR u = 0, a, agents2[u]), agents2, up2) AS agents3,
            arrayMap(u -> if(u = 0, 0, up2[u]), up2) AS up3,
            arrayMap((a, u) -> if(a != 0 OR u = 0, a, agents3[u]), agents3, up3) AS agents4,
            arrayMap(u -> if(u = 0, 0, up3[u]), up3) AS up4,
            arrayMap((a, u) -> if(a != 0 OR u = 0, a, agents4[u]), agents4, up4) AS agents5,
            arrayMap(u -> if(u = 0, 0, up4[u]), up4) AS up5
        SELECT
            arrayMap((a, u) -> if(a != 0 OR u = 0, a, agents5[u]), agents5, up5) AS agents6,
            toUInt16(indexOf(names, argMinIf(GenAIAgentName, (ParentSpanId != '', Timestamp), GenAIAgentName != ''))) AS first_agent,
            groupArrayIf(
                (
                    cityHash64(SpanId), toString(ServiceName), IsModelCall, GenAIInputTokens,
                    GenAIOutputTokens, CostUSD, toUnixTimestamp64Nano(Timestamp)
                ),
                IsModelCall OR GenAIOperation = 'execute_tool') AS calls,
            arrayMap(id -> indexOfAssumeSorted(ids, id), calls.1) AS places
        FROM otel_traces
        WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
            AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
        GROUP BY TraceId
    )
    ARRAY JOIN calls, places AS place
)
GROUP BY agent, service
