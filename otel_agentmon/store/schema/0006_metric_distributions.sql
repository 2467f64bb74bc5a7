-- Histograms, exponential histograms and summaries: one row for each point.

-- macro LIST(a) = if(empty(a), '', toJSONString(a))
-- macro MAP(a) = mapFromArrays(a.key, arrayMap((s, b, i, d, l) -> concat(s, ifNull(toString(b), ''), ifNull(toString(i), ''), ifNull(toString(d), ''), ${LIST(l)}), a.value.string_value, a.value.bool_value, a.value.int_value, a.value.double_value, a.value.array_value.values.string_value))
-- macro HEX(a) = lower(hex(a))
-- macro NANO(a) = if(accepted, a, toUInt64(toUnixTimestamp64Nano(now64(9))))
-- macro SECONDS(a) = toDateTime(least(intDiv(a, 1000000000), 4294967295))

CREATE TABLE otel_metrics_histogram ${ON_CLUSTER}
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
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    BucketCounts Array(UInt64) CODEC(ZSTD(1)),
    ExplicitBounds Array(Float64) CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Min Float64 CODEC(ZSTD(1)),
    Max Float64 CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),

    -- What the exporter's columns cannot say: whole times, and the segment the row came from.
    StartTimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    TimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    ReportedTimeUnixNano Nullable(UInt64) CODEC(ZSTD(1)),
    SegmentNumber UInt64 DEFAULT 0 CODEC(Delta, ZSTD(1)),
    HasSum Bool DEFAULT true CODEC(ZSTD(1)),
    HasMin Bool DEFAULT true CODEC(ZSTD(1)),
    HasMax Bool DEFAULT true CODEC(ZSTD(1)),

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

CREATE MATERIALIZED VIEW otlp_metrics_histogram_flatten ${ON_CLUSTER} TO otel_metrics_histogram AS
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
    point.count AS Count,
    ifNull(point.sum, 0) AS Sum,
    point.bucket_counts AS BucketCounts,
    point.explicit_bounds AS ExplicitBounds,
    arrayMap(x -> ${MAP(x)}, point.exemplars.filtered_attributes) AS `Exemplars.FilteredAttributes`,
    arrayMap(t -> ${SECONDS(t)}, point.exemplars.time_unix_nano) AS `Exemplars.TimeUnix`,
    arrayMap((f, i) -> coalesce(f, toFloat64(i), 0), point.exemplars.as_double, point.exemplars.as_int) AS `Exemplars.Value`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.span_id) AS `Exemplars.SpanId`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.trace_id) AS `Exemplars.TraceId`,
    point.flags AS Flags,
    ifNull(point.min, 0) AS Min,
    ifNull(point.max, 0) AS Max,
    histogram_temporality AS AggregationTemporality,
    point.sum IS NOT NULL AS HasSum,
    point.min IS NOT NULL AS HasMin,
    point.max IS NOT NULL AS HasMax,
    point.start_time_unix_nano AS StartTimeUnixNano,
    nano AS TimeUnixNano,
    if(accepted, NULL, point.time_unix_nano) AS ReportedTimeUnixNano,
    SegmentNumber
FROM otlp_metrics_flat
ARRAY JOIN histogram AS point;

CREATE TABLE otel_metrics_exponential_histogram ${ON_CLUSTER}
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
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    Scale Int32 CODEC(ZSTD(1)),
    ZeroCount UInt64 CODEC(ZSTD(1)),
    PositiveOffset Int32 CODEC(ZSTD(1)),
    PositiveBucketCounts Array(UInt64) CODEC(ZSTD(1)),
    NegativeOffset Int32 CODEC(ZSTD(1)),
    NegativeBucketCounts Array(UInt64) CODEC(ZSTD(1)),
    Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String),
        TimeUnix DateTime,
        Value Float64,
        SpanId String,
        TraceId String
    ) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),
    Min Float64 CODEC(ZSTD(1)),
    Max Float64 CODEC(ZSTD(1)),
    AggregationTemporality Int32 CODEC(ZSTD(1)),

    -- What the exporter's columns cannot say: whole times, and the segment the row came from.
    StartTimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    TimeUnixNano UInt64 CODEC(Delta, ZSTD(1)),
    ReportedTimeUnixNano Nullable(UInt64) CODEC(ZSTD(1)),
    SegmentNumber UInt64 DEFAULT 0 CODEC(Delta, ZSTD(1)),
    HasSum Bool DEFAULT true CODEC(ZSTD(1)),
    HasMin Bool DEFAULT true CODEC(ZSTD(1)),
    HasMax Bool DEFAULT true CODEC(ZSTD(1)),
    ZeroThreshold Float64 CODEC(ZSTD(1)),

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

CREATE MATERIALIZED VIEW otlp_metrics_exponential_histogram_flatten ${ON_CLUSTER} TO otel_metrics_exponential_histogram AS
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
    point.count AS Count,
    ifNull(point.sum, 0) AS Sum,
    point.scale AS Scale,
    point.zero_count AS ZeroCount,
    point.positive.offset AS PositiveOffset,
    point.positive.bucket_counts AS PositiveBucketCounts,
    point.negative.offset AS NegativeOffset,
    point.negative.bucket_counts AS NegativeBucketCounts,
    arrayMap(x -> ${MAP(x)}, point.exemplars.filtered_attributes) AS `Exemplars.FilteredAttributes`,
    arrayMap(t -> ${SECONDS(t)}, point.exemplars.time_unix_nano) AS `Exemplars.TimeUnix`,
    arrayMap((f, i) -> coalesce(f, toFloat64(i), 0), point.exemplars.as_double, point.exemplars.as_int) AS `Exemplars.Value`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.span_id) AS `Exemplars.SpanId`,
    arrayMap(i -> ${HEX(i)}, point.exemplars.trace_id) AS `Exemplars.TraceId`,
    point.flags AS Flags,
    ifNull(point.min, 0) AS Min,
    ifNull(point.max, 0) AS Max,
    exponential_histogram_temporality AS AggregationTemporality,
    point.sum IS NOT NULL AS HasSum,
    point.min IS NOT NULL AS HasMin,
    point.max IS NOT NULL AS HasMax,
    point.zero_threshold AS ZeroThreshold,
    point.start_time_unix_nano AS StartTimeUnixNano,
    nano AS TimeUnixNano,
    if(accepted, NULL, point.time_unix_nano) AS ReportedTimeUnixNano,
    SegmentNumber
FROM otlp_metrics_flat
ARRAY JOIN exponential_histogram AS point;

CREATE TABLE otel_metrics_summary ${ON_CLUSTER}
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
    Count UInt64 CODEC(Delta, ZSTD(1)),
    Sum Float64 CODEC(ZSTD(1)),
    ValueAtQuantiles Nested(
        Quantile Float64,
        Value Float64
    ) CODEC(ZSTD(1)),
    Flags UInt32 CODEC(ZSTD(1)),

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

CREATE MATERIALIZED VIEW otlp_metrics_summary_flatten ${ON_CLUSTER} TO otel_metrics_summary AS
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
    point.count AS Count,
    point.sum AS Sum,
    point.quantile_values.quantile AS `ValueAtQuantiles.Quantile`,
    point.quantile_values.value AS `ValueAtQuantiles.Value`,
    point.flags AS Flags,
    point.start_time_unix_nano AS StartTimeUnixNano,
    nano AS TimeUnixNano,
    if(accepted, NULL, point.time_unix_nano) AS ReportedTimeUnixNano,
    SegmentNumber
FROM otlp_metrics_flat
ARRAY JOIN summary AS point;
