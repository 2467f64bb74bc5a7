-- Traces: OTLP lands in a Null table, one view flattens it into the stock otel_traces table.
--
-- otel_traces has the names, types and meaning of the Collector's ClickHouse exporter (v0.161),
-- so that tools made for it work here. What the exporter has no column for follows below a line.
-- The GenAI columns are DEFAULTs over the stored attributes: whoever inserts, the exporter too,
-- gets them filled, and a table that the exporter made gets them with ALTER TABLE.

-- macro KEY_VALUES = Array(Tuple(key String, value Tuple(string_value String, bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), array_value Tuple(values Array(Tuple(string_value Nullable(String)))))))
-- macro LIST(a) = if(empty(a), '', toJSONString(a))
-- macro MAP(a) = mapFromArrays(a.key, arrayMap((s, b, i, d, l) -> concat(s, ifNull(toString(b), ''), ifNull(toString(i), ''), ifNull(toString(d), ''), ${LIST(l)}), a.value.string_value, a.value.bool_value, a.value.int_value, a.value.double_value, a.value.array_value.values.string_value))
-- macro MODEL(a) = dictGetOrDefault('${DATABASE}.price_model_name', 'model', toLowCardinality(lower(concat(GenAIProvider, '/', a))), '')
-- macro PRICE(a) = dictGetOrNull('${DATABASE}.price_amount', 'a', tuple(PriceId))
-- macro HEX(a) = lower(hex(a))
-- macro TIME(a) = fromUnixTimestamp64Nano(toInt64(least(a, 9223372036854775807)))

CREATE TABLE otlp_traces ${ON_CLUSTER}
(
    resource Tuple(attributes ${KEY_VALUES}),
    scope_spans Array(Tuple(
        scope Tuple(name String, version String, attributes ${KEY_VALUES}),
        spans Array(Tuple(
            trace_id String,
            span_id String,
            trace_state String,
            parent_span_id String,
            flags UInt32,
            name String,
            kind Int32,
            start_time_unix_nano UInt64,
            end_time_unix_nano UInt64,
            attributes ${KEY_VALUES},
            dropped_attributes_count UInt32,
            events Array(Tuple(time_unix_nano UInt64, name String, attributes ${KEY_VALUES})),
            dropped_events_count UInt32,
            links Array(Tuple(trace_id String, span_id String, trace_state String, attributes ${KEY_VALUES})),
            dropped_links_count UInt32,
            status Tuple(message String, code Int32))),
        schema_url String)),
    schema_url String
)
ENGINE = Null;

CREATE TABLE otel_traces ${ON_CLUSTER}
(
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested (
        Timestamp DateTime64(9),
        Name LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested (
        TraceId String,
        SpanId String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),

    -- What OTLP carries and the exporter leaves out.
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    SpanFlags UInt32 CODEC(ZSTD(1)),
    DroppedAttributesCount UInt32 CODEC(ZSTD(1)),
    DroppedEventsCount UInt32 CODEC(ZSTD(1)),
    DroppedLinksCount UInt32 CODEC(ZSTD(1)),
    -- The start time as sent where it was beyond what is accepted, else NULL; Timestamp is then
    -- the time of receipt.
    ReportedTimeUnixNano Nullable(UInt64) CODEC(ZSTD(1)),
    -- The journal segment the row came from, 0 for rows that others wrote.
    SegmentNumber UInt64 DEFAULT 0 CODEC(Delta, ZSTD(1)),

    -- GenAI semantic conventions, read from the attributes.
    GenAIOperation LowCardinality(String) DEFAULT SpanAttributes['gen_ai.operation.name'] CODEC(ZSTD(1)),
    GenAIProvider LowCardinality(String) DEFAULT SpanAttributes['gen_ai.provider.name'] CODEC(ZSTD(1)),
    GenAIRequestModel LowCardinality(String) DEFAULT SpanAttributes['gen_ai.request.model'] CODEC(ZSTD(1)),
    GenAIResponseModel LowCardinality(String) DEFAULT SpanAttributes['gen_ai.response.model'] CODEC(ZSTD(1)),
    GenAIAgentName LowCardinality(String) DEFAULT SpanAttributes['gen_ai.agent.name'] CODEC(ZSTD(1)),
    GenAIAgentId String DEFAULT SpanAttributes['gen_ai.agent.id'] CODEC(ZSTD(1)),
    GenAIAgentVersion LowCardinality(String) DEFAULT SpanAttributes['gen_ai.agent.version'] CODEC(ZSTD(1)),
    GenAIConversationId String DEFAULT SpanAttributes['gen_ai.conversation.id'] CODEC(ZSTD(1)),
    GenAIToolName LowCardinality(String) DEFAULT SpanAttributes['gen_ai.tool.name'] CODEC(ZSTD(1)),
    -- The first finish reason; all of them stay in the attribute.
    GenAIFinishReason LowCardinality(String) DEFAULT JSONExtractString(SpanAttributes['gen_ai.response.finish_reasons'], 1) CODEC(ZSTD(1)),
    ErrorType LowCardinality(String) DEFAULT SpanAttributes['error.type'] CODEC(ZSTD(1)),
    GenAIInputTokens Nullable(UInt64) DEFAULT toUInt64OrNull(SpanAttributes['gen_ai.usage.input_tokens']) CODEC(ZSTD(1)),
    GenAIOutputTokens Nullable(UInt64) DEFAULT toUInt64OrNull(SpanAttributes['gen_ai.usage.output_tokens']) CODEC(ZSTD(1)),
    GenAICacheReadTokens Nullable(UInt64) DEFAULT toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_read.input_tokens']) CODEC(ZSTD(1)),
    GenAICacheWriteTokens Nullable(UInt64) DEFAULT toUInt64OrNull(SpanAttributes['gen_ai.usage.cache_creation.input_tokens']) CODEC(ZSTD(1)),
    GenAIReasoningTokens Nullable(UInt64) DEFAULT toUInt64OrNull(SpanAttributes['gen_ai.usage.reasoning.output_tokens']) CODEC(ZSTD(1)),

    -- Only calls of a model cost money; spans around them repeat their tokens.
    IsModelCall Bool DEFAULT GenAIOperation IN ('chat', 'generate_content', 'text_completion', 'embeddings') CODEC(ZSTD(1)),
    -- The prices that held for this model on this day; empty where none are known.
    PricePeriod LowCardinality(String) DEFAULT if(IsModelCall, dictGetOrDefault('${DATABASE}.price_period', 'period', tuple(coalesce(nullIf(${MODEL(GenAIResponseModel)}, ''), ${MODEL(GenAIRequestModel)})), toDate(Timestamp), ''), '') CODEC(ZSTD(1)),
    -- The row of price_amounts that the cost was computed with.
    PriceId LowCardinality(String) DEFAULT if(PricePeriod = '', '', concat(PricePeriod, multiIf(
        ifNull(GenAIInputTokens, 0) > dictGet('${DATABASE}.price_tier', 'tier_2_above', tuple(PricePeriod)), '#2',
        ifNull(GenAIInputTokens, 0) > dictGet('${DATABASE}.price_tier', 'tier_1_above', tuple(PricePeriod)), '#1',
        '#0'))) CODEC(ZSTD(1)),
    -- US dollars. NULL means unknown, never free.
    CostUSD Nullable(Decimal(18, 12)) DEFAULT if(PriceId = '' OR (GenAIInputTokens IS NULL AND GenAIOutputTokens IS NULL), NULL,
        ifNull(GenAIOutputTokens, 0) * ${PRICE(output)}
        + ifNull(GenAICacheReadTokens, 0) * ${PRICE(cache_read)}
        + ifNull(GenAICacheWriteTokens, 0) * ${PRICE(cache_write)}
        + if(ifNull(GenAIInputTokens, 0) >= ifNull(GenAICacheReadTokens, 0) + ifNull(GenAICacheWriteTokens, 0),
             -- The convention: input tokens include what was read from and written to the cache.
             ifNull(GenAIInputTokens, 0) - ifNull(GenAICacheReadTokens, 0) - ifNull(GenAICacheWriteTokens, 0),
             -- Less than its parts: an instrumentation that reports the uncached rest.
             ifNull(GenAIInputTokens, 0)) * ${PRICE(input)}) CODEC(ZSTD(1)),
    -- Why a model call has no cost: '' (it has one, or is no model call), no_model, no_price, no_usage.
    CostUnknownReason LowCardinality(String) DEFAULT multiIf(
        NOT IsModelCall OR CostUSD IS NOT NULL, '',
        GenAIRequestModel = '' AND GenAIResponseModel = '', 'no_model',
        PriceId = '', 'no_price',
        'no_usage') CODEC(ZSTD(1)),

    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = ${ENGINE}
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, ${TABLE_SETTINGS};

CREATE TABLE otel_traces_trace_id_ts ${ON_CLUSTER}
(
    TraceId String CODEC(ZSTD(1)),
    Start DateTime CODEC(Delta, ZSTD(1)),
    End DateTime CODEC(Delta, ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ${ENGINE}
PARTITION BY toDate(Start)
ORDER BY (TraceId, Start)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, ${TABLE_SETTINGS};

CREATE MATERIALIZED VIEW otel_traces_trace_id_ts_mv ${ON_CLUSTER} TO otel_traces_trace_id_ts AS
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM otel_traces
WHERE TraceId != ''
GROUP BY TraceId;

-- Start times are accepted from 400 days back to one day ahead; what lies beyond would make a
-- partition of its own for a broken clock, so it is kept at the time of receipt.
CREATE MATERIALIZED VIEW otlp_traces_flatten ${ON_CLUSTER} TO otel_traces AS
WITH
    span.start_time_unix_nano AS start,
    span.end_time_unix_nano AS end,
    start BETWEEN toUnixTimestamp64Nano(now64(9)) - 400 * 86400000000000 AND toUnixTimestamp64Nano(now64(9)) + 86400000000000 AS accepted
SELECT
    if(accepted, ${TIME(start)}, now64(9)) AS Timestamp,
    ${HEX(span.trace_id)} AS TraceId,
    ${HEX(span.span_id)} AS SpanId,
    ${HEX(span.parent_span_id)} AS ParentSpanId,
    span.trace_state AS TraceState,
    span.name AS SpanName,
    ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'][span.kind + 1] AS SpanKind,
    ResourceAttributes['service.name'] AS ServiceName,
    ResourceAttributes,
    ScopeName,
    ScopeVersion,
    ${MAP(span.attributes)} AS SpanAttributes,
    if(end > start, end - start, 0) AS Duration,
    ['Unset', 'Ok', 'Error'][span.status.code + 1] AS StatusCode,
    span.status.message AS StatusMessage,
    arrayMap(t -> ${TIME(t)}, span.events.time_unix_nano) AS `Events.Timestamp`,
    span.events.name AS `Events.Name`,
    arrayMap(a -> ${MAP(a)}, span.events.attributes) AS `Events.Attributes`,
    arrayMap(i -> ${HEX(i)}, span.links.trace_id) AS `Links.TraceId`,
    arrayMap(i -> ${HEX(i)}, span.links.span_id) AS `Links.SpanId`,
    span.links.trace_state AS `Links.TraceState`,
    arrayMap(a -> ${MAP(a)}, span.links.attributes) AS `Links.Attributes`,
    ScopeAttributes,
    ResourceSchemaUrl,
    ScopeSchemaUrl,
    span.flags AS SpanFlags,
    span.dropped_attributes_count AS DroppedAttributesCount,
    span.dropped_events_count AS DroppedEventsCount,
    span.dropped_links_count AS DroppedLinksCount,
    if(accepted, NULL, start) AS ReportedTimeUnixNano,
    toUInt64OrZero(getSetting('log_comment')) AS SegmentNumber
FROM
(
    SELECT
        ResourceAttributes,
        ResourceSchemaUrl,
        ss.scope.name AS ScopeName,
        ss.scope.version AS ScopeVersion,
        ${MAP(ss.scope.attributes)} AS ScopeAttributes,
        ss.schema_url AS ScopeSchemaUrl,
        ss.spans AS spans
    FROM
    (
        SELECT
            ${MAP(resource.attributes)} AS ResourceAttributes,
            schema_url AS ResourceSchemaUrl,
            scope_spans
        FROM otlp_traces
    )
    ARRAY JOIN scope_spans AS ss
)
ARRAY JOIN spans AS span;
