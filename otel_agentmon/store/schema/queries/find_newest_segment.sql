SELECT max(SegmentNumber) AS Number
FROM otel_traces
WHERE Timestamp >= fromUnixTimestamp64Nano({start:Int64})
    AND Timestamp < fromUnixTimestamp64Nano({end:Int64})
