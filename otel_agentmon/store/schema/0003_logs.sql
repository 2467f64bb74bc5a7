-- Logs: OTLP lands in a Null table, one view flattens it into the stock otel_logs table.
--
-- Names, types and meaning as in the Collector's ClickHouse exporter (v0.161).

-- macro KEY_VALUES = Array(Tuple(key String, value Tuple(string_value String, bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), array_value Tuple(values Array(Tuple(string_value Nullable(String)))))))
-- macro LIST(a) = if(empty(a), '', toJSONString(a))
-- macro MAP(a) = mapFromArrays(a.key, arrayMap((s, b, i, d, l) -> concat(s, ifNull(toString(b), ''), ifNull(toString(i), ''), ifNull(toString(d), ''), ${LIST(l)}), a.value.string_value, a.value.bool_value, a.value.int_value, a.value.double_value, a.value.array_value.values.string_value))
-- macro HEX(a) = lower(hex(a))
-- macro TIME(a) = fromUnixTimestamp64Nano(toInt64(least(a, 9223372036854775807)))
-- macro K8S(a) = LowCardinality(String) MATERIALIZED ResourceAttributes['a'] CODEC(ZSTD(1))

CREATE TABLE otlp_logs ${ON_CLUSTER}
(
    resource Tuple(attributes ${KEY_VALUES}),
    scope_logs Array(Tuple(
        scope Tuple(name String, version String, attributes ${KEY_VALUES}),
        log_records Array(Tuple(
            time_unix_nano UInt64,
            observed_time_unix_nano UInt64,
            severity_number Int32,
            severity_text String,
            body Tuple(string_value String, bool_value Nullable(Bool), int_value Nullable(Int64), double_value Nullable(Float64), array_value Tuple(values Array(Tuple(string_value Nullable(String))))),
            attributes ${KEY_VALUES},
            dropped_attributes_count UInt32,
            flags UInt32,
            trace_id String,
            span_id String,
            event_name String)),
        schema_url String)),
    schema_url String
)
ENGINE = Null;

CREATE TABLE otel_logs ${ON_CLUSTER}
(
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    EventName String CODEC(ZSTD(1)),
    `__otel_materialized_k8s.cluster.name` ${K8S(k8s.cluster.name)},
    `__otel_materialized_k8s.container.name` ${K8S(k8s.container.name)},
    `__otel_materialized_k8s.deployment.name` ${K8S(k8s.deployment.name)},
    `__otel_materialized_k8s.namespace.name` ${K8S(k8s.namespace.name)},
    `__otel_materialized_k8s.node.name` ${K8S(k8s.node.name)},
    `__otel_materialized_k8s.pod.name` ${K8S(k8s.pod.name)},
    `__otel_materialized_k8s.pod.uid` ${K8S(k8s.pod.uid)},
    `__otel_materialized_deployment.environment.name` ${K8S(deployment.environment.name)},

    -- What OTLP carries and the exporter leaves out.
    ObservedTimestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    DroppedAttributesCount UInt32 CODEC(ZSTD(1)),
    -- The time as sent where it was beyond what is accepted, else NULL; Timestamp is then the time
    -- of receipt.
    ReportedTimeUnixNano Nullable(UInt64) CODEC(ZSTD(1)),
    -- The journal segment the row came from, 0 for rows that others wrote.
    SegmentNumber UInt64 DEFAULT 0 CODEC(Delta, ZSTD(1)),

    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_key mapKeys(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_scope_attr_value mapValues(ScopeAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_log_attr_key mapKeys(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_log_attr_value mapValues(LogAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_lower_body lower(Body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
)
ENGINE = ${ENGINE}
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, ${TABLE_SETTINGS};

-- Without a time of its own a record has the time it was observed; beyond 400 days back or one
-- day ahead it has the time of receipt.
CREATE MATERIALIZED VIEW otlp_logs_flatten ${ON_CLUSTER} TO otel_logs AS
WITH
    if(record.time_unix_nano = 0, record.observed_time_unix_nano, record.time_unix_nano) AS time,
    time BETWEEN toUnixTimestamp64Nano(now64(9)) - 400 * 86400000000000 AND toUnixTimestamp64Nano(now64(9)) + 86400000000000 AS accepted,
    record.body AS body
SELECT
    if(accepted, ${TIME(time)}, now64(9)) AS Timestamp,
    ${HEX(record.trace_id)} AS TraceId,
    ${HEX(record.span_id)} AS SpanId,
    toUInt8(bitAnd(record.flags, 255)) AS TraceFlags,
    record.severity_text AS SeverityText,
    toUInt8(record.severity_number) AS SeverityNumber,
    ResourceAttributes['service.name'] AS ServiceName,
    concat(body.string_value, ifNull(toString(body.bool_value), ''), ifNull(toString(body.int_value), ''), ifNull(toString(body.double_value), ''), ${LIST(body.array_value.values.string_value)}) AS Body,
    ResourceSchemaUrl,
    ResourceAttributes,
    ScopeSchemaUrl,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ${MAP(record.attributes)} AS LogAttributes,
    record.event_name AS EventName,
    ${TIME(record.observed_time_unix_nano)} AS ObservedTimestamp,
    record.dropped_attributes_count AS DroppedAttributesCount,
    if(accepted, NULL, time) AS ReportedTimeUnixNano,
    toUInt64OrZero(getSetting('log_comment')) AS SegmentNumber
FROM
(
    SELECT
        ResourceAttributes,
        ResourceSchemaUrl,
        sl.scope.name AS ScopeName,
        sl.scope.version AS ScopeVersion,
        ${MAP(sl.scope.attributes)} AS ScopeAttributes,
        sl.schema_url AS ScopeSchemaUrl,
        sl.log_records AS records
    FROM
    (
        SELECT
            ${MAP(resource.attributes)} AS ResourceAttributes,
            schema_url AS ResourceSchemaUrl,
            scope_logs
        FROM otlp_logs
    )
    ARRAY JOIN scope_logs AS sl
)
ARRAY JOIN records AS record;
