-- Gauges and sums: one row for each point.

-- macro LIST(a) = if(empty(a), '', toJSONString(a))
-- macro MAP(a) = mapFromArrays(a.key, arrayMap((s, b, i, d, l) -> concat(s, ifNull(toString(b), ''), ifNull(toString(i), ''), ifNull(toString(d), ''), ${LIST(l)}), a.value.string_value, a.value.bool_value, a.value.int_value, a.value.double_value, a.value.array_value.values.string_value))
-- macro HEX(a) = lower(hex(a))
-- macro NANO(a) = if(accepted, a, toUInt64(toUnixTimestamp64Nano(now64(9))))
-- macro SECONDS(a) = toDateTime(least(intDiv(a, 1000000000), 4294967295))

CREATE TABLE otel_metrics_gauge ${ON_CLUSTER}
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Value Float64 CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),

    -- What the exporter's columns cannot say: whole times, and the segment the row came from.
    StartTimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    TimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    ReportedTimeUnixNano Nullable(UInt64) CODEC(ZSTD(1)),
    SegmentNumber UInt64 DEFAULT 0 CODEC(Delta, ZSTD(1)),

    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
)
ENGINE = ${ENGINE}
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, ${TABLE_SETTINGS};

CREATE MATERIALIZED VIEW otlp_metrics_gauge_flatten ${ON_CLUSTER} TO otel_metrics_gauge AS
WITH
    point.time_unix_nano BETWEEN toUnixTimestamp64Nano(now64(9)) - 400 * 86400000000000 AND toUnixTimestamp64Nano(now64(9)) + 86400000000000 AS accepted,
    ${NANO(point.time_unix_nano)} AS nano
SELECT
    ResourceAttributes,
    ResourceSchemaUrl,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ScopeDroppedAttrCount,
    ScopeSchemaUrl,
    ServiceName,
    MetricName,
    MetricDescription,
    MetricUnit,
    ${MAP(point.attributes)} AS Attributes,
    ${SECONDS(point.start_time_unix_nano)} AS StartTimeUnix,
    ${SECONDS(nano)} AS TimeUnix,
    coalesce(point.as_double, toFloat64(point.as_int), 0) AS Value,
    point.flags AS Flags,
    arrayMap(x -> ${MAP(x)}, point.exemplars.filtered_attributes) AS `Exemplars.FilteredAttributes`,
    arrayMap(t -> ${SECONDS(t)}, point.exemplars.time_unix_nano) AS `Exemplars.TimeUnix`,
    arrayMap((f, i) -> coalesce(f, toFloat64(i), 0), point.exemplars.as_double, point.exemplars.as_int) AS `Exemplars.Value`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.span_id) AS `Exemplars.SpanId`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.trace_id) AS `Exemplars.TraceId`,
    point.start_time_unix_nano AS StartTimeUnixNano,
    nano AS TimeUnixNano,
    if(accepted, NULL, point.time_unix_nano) AS ReportedTimeUnixNano,
    SegmentNumber
FROM otlp_metrics_flat
ARRAY JOIN gauge AS point;

CREATE TABLE otel_metrics_sum ${ON_CLUSTER}
(
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ResourceSchemaUrl String CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
    ScopeSchemaUrl String CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    MetricName LowCardinality(String) CODEC(ZSTD(1)),
    MetricDescription String CODEC(ZSTD(1)),
    MetricUnit String CODEC(ZSTD(1)),
    Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
    TimeUnix DateTime CODEC(Delta, ZSTD(1)),
    Value Float64 CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),
    IsMonotonic Boolean CODEC(Delta, ZSTD(1)),

    -- What the exporter's columns cannot say: whole times, and the segment the row came from.
    StartTimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    TimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    ReportedTimeUnixNano Nullable(UInt64) CODEC(ZSTD(1)),
    SegmentNumber UInt64 DEFAULT 0 CODEC(Delta, ZSTD(1)),

    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_key mapKeys(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_attr_value mapValues(Attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
)
ENGINE = ${ENGINE}
PARTITION BY toDate(TimeUnix)
ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, ${TABLE_SETTINGS};

CREATE MATERIALIZED VIEW otlp_metrics_sum_flatten ${ON_CLUSTER} TO otel_metrics_sum AS
WITH
    point.time_unix_nano BETWEEN toUnixTimestamp64Nano(now64(9)) - 400 * 86400000000000 AND toUnixTimestamp64Nano(now64(9)) + 86400000000000 AS accepted,
    ${NANO(point.time_unix_nano)} AS nano
SELECT
    ResourceAttributes,
    ResourceSchemaUrl,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ScopeDroppedAttrCount,
    ScopeSchemaUrl,
    ServiceName,
    MetricName,
    MetricDescription,
    MetricUnit,
    ${MAP(point.attributes)} AS Attributes,
    ${SECONDS(point.start_time_unix_nano)} AS StartTimeUnix,
    ${SECONDS(nano)} AS TimeUnix,
    coalesce(point.as_double, toFloat64(point.as_int), 0) AS Value,
    point.flags AS Flags,
    arrayMap(x -> ${MAP(x)}, point.exemplars.filtered_attributes) AS `Exemplars.FilteredAttributes`,
    arrayMap(t -> ${SECONDS(t)}, point.exemplars.time_unix_nano) AS `Exemplars.TimeUnix`,
    arrayMap((f, i) -> coalesce(f, toFloat64(i), 0), point.exemplars.as_double, point.exemplars.as_int) AS `Exemplars.Value`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.span_id) AS `Exemplars.SpanId`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.trace_id) AS `Exemplars.TraceId`,
    sum_temporality AS AggregationTemporality,
    sum_monotonic AS IsMonotonic,
    point.start_time_unix_nano AS StartTimeUnixNano,
    nano AS TimeUnixNano,
    if(accepted, NULL, point.time_unix_nano) AS ReportedTimeUnixNano,
    SegmentNumber
FROM otlp_metrics_flat
ARRAY JOIN sum AS point;
