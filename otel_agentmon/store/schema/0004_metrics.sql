-- Metrics: OTLP lands in a Null table, one view takes it apart metric by metric, and the
-- views of the next two migrations flatten its points into the stock table of their kind.
--
-- Names, types and meaning as in the Collector's ClickHouse exporter (v0.161). It keeps times in
-- whole seconds and absent sums as 0; the columns below each line keep what was sent.

-- macro KEY_VALUES = Array(Tuple(key String, value Tuple(string_value String, bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), array_value Tuple(values Array(Tuple(string_value Nullable(String)))))))
-- macro LIST(a) = if(empty(a), '', toJSONString(a))
-- macro MAP(a) = mapFromArrays(a.key, arrayMap((s, b, i, d, l) -> concat(s, ifNull(toString(b), ''), ifNull(toString(i), ''), ifNull(toString(d), ''), ${LIST(l)}), a.value.string_value, a.value.bool_value, a.value.int_value, a.value.double_value, a.value.array_value.values.string_value))
-- macro EXEMPLARS = Array(Tuple(filtered_attributes ${KEY_VALUES}, time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), span_id String, trace_id String))
-- macro NUMBER_POINTS = Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, as_double Nullable(Float64), as_int Nullable(Int64), exemplars ${EXEMPLARS}, flags UInt32))

CREATE TABLE otlp_metrics ${ON_CLUSTER}
(
    resource Tuple(attributes ${KEY_VALUES}),
    scope_metrics Array(Tuple(
        scope Tuple(name String, version String, attributes ${KEY_VALUES}, dropped_attributes_count UInt32),
        metrics Array(Tuple(
            name String,
            description String,
            unit String,
            gauge Tuple(data_points ${NUMBER_POINTS}),
            sum Tuple(data_points ${NUMBER_POINTS}, aggregation_temporality Int32, is_monotonic Bool),
            histogram Tuple(data_points Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64), exemplars ${EXEMPLARS}, flags UInt32, min Nullable(Float64), max Nullable(Float64))), aggregation_temporality Int32),
            exponential_histogram Tuple(data_points Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), scale Int32, zero_count UInt64, positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)), flags UInt32, exemplars ${EXEMPLARS}, min Nullable(Float64), max Nullable(Float64), zero_threshold Float64)), aggregation_temporality Int32),
            summary Tuple(data_points Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), flags UInt32))))),
        schema_url String)),
    schema_url String
)
ENGINE = Null;

-- One row for each metric of a request, its points still nested.
CREATE TABLE otlp_metrics_flat ${ON_CLUSTER}
(
    ResourceAttributes Map(LowCardinality(String), String),
    ResourceSchemaUrl String,
    ScopeName String,
    ScopeVersion String,
    ScopeAttributes Map(LowCardinality(String), String),
    ScopeDroppedAttrCount UInt32,
    ScopeSchemaUrl String,
    ServiceName LowCardinality(String),
    MetricName LowCardinality(String),
    MetricDescription String,
    MetricUnit String,
    gauge ${NUMBER_POINTS},
    sum ${NUMBER_POINTS},
    sum_temporality Int32,
    sum_monotonic Bool,
    histogram Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64), exemplars ${EXEMPLARS}, flags UInt32, min Nullable(Float64), max Nullable(Float64))),
    histogram_temporality Int32,
    exponential_histogram Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), scale Int32, zero_count UInt64, positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)), flags UInt32, exemplars ${EXEMPLARS}, min Nullable(Float64), max Nullable(Float64), zero_threshold Float64)),
    exponential_histogram_temporality Int32,
    summary Array(Tuple(attributes ${KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), flags UInt32)),
    SegmentNumber UInt64
)
ENGINE = Null;

CREATE MATERIALIZED VIEW otlp_metrics_flatten ${ON_CLUSTER} TO otlp_metrics_flat AS
SELECT
    ResourceAttributes,
    ResourceSchemaUrl,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ScopeDroppedAttrCount,
    ScopeSchemaUrl,
    ResourceAttributes['service.name'] AS ServiceName,
    metric.name AS MetricName,
    metric.description AS MetricDescription,
    metric.unit AS MetricUnit,
    metric.gauge.data_points AS gauge,
    metric.sum.data_points AS sum,
    metric.sum.aggregation_temporality AS sum_temporality,
    metric.sum.is_monotonic AS sum_monotonic,
    metric.histogram.data_points AS histogram,
    metric.histogram.aggregation_temporality AS histogram_temporality,
    metric.exponential_histogram.data_points AS exponential_histogram,
    metric.exponential_histogram.aggregation_temporality AS exponential_histogram_temporality,
    metric.summary.data_points AS summary,
    toUInt64OrZero(getSetting('log_comment')) AS SegmentNumber
FROM
(
    SELECT
        ResourceAttributes,
        ResourceSchemaUrl,
        sm.scope.name AS ScopeName,
        sm.scope.version AS ScopeVersion,
        ${MAP(sm.scope.attributes)} AS ScopeAttributes,
        sm.scope.dropped_attributes_count AS ScopeDroppedAttrCount,
        sm.schema_url AS ScopeSchemaUrl,
        sm.metrics AS metrics
    FROM
    (
        SELECT
            ${MAP(resource.attributes)} AS ResourceAttributes,
            schema_url AS ResourceSchemaUrl,
            scope_metrics
        FROM otlp_metrics
    )
    ARRAY JOIN scope_metrics AS sm
)
ARRAY JOIN metrics AS metric;
