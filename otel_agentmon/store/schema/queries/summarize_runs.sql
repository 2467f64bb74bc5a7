-- One row an agent: its runs, that is its invoke_agent spans.
SELECT
    toString(GenAIAgentName) AS agent,
    arraySort(groupUniqArrayIf(toString(GenAIAgentVersion), GenAIAgentVersion != '')) AS versions,
    arraySort(groupUniqArray(toString(ServiceName))) AS services,
    count() AS runs,
    countIf(StatusCode = 'Error') AS errors,
    quantiles(0.5, 0.95)(Duration) AS durations,
    toUnixTimestamp64Nano(max(Timestamp)) AS last_seen
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
    AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
    AND GenAIOperation = 'invoke_agent'
    AND GenAIAgentName != ''
GROUP BY GenAIAgentName
