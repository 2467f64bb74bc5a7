-- What was changed on the way in, counted: times beyond what is accepted.

CREATE TABLE ingest_corrections ${ON_CLUSTER}
(
    Time DateTime,
    Signal LowCardinality(String),
    ServiceName LowCardinality(String),
    Reason LowCardinality(String),
    Count UInt64
)
ENGINE = ${ENGINE}
PARTITION BY toYYYYMM(Time)
ORDER BY (Signal, ServiceName, Reason, Time)
SETTINGS ${TABLE_SETTINGS};

-- macro COUNT(a) = SELECT now() AS Time, 'a' AS Signal, ServiceName, 'time_out_of_range' AS Reason, count() AS Count
-- macro RULE = WHERE ReportedTimeUnixNano IS NOT NULL GROUP BY ServiceName

CREATE MATERIALIZED VIEW otel_traces_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(traces)} FROM otel_traces ${RULE};

CREATE MATERIALIZED VIEW otel_logs_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(logs)} FROM otel_logs ${RULE};

CREATE MATERIALIZED VIEW otel_metrics_gauge_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(metrics)} FROM otel_metrics_gauge ${RULE};

CREATE MATERIALIZED VIEW otel_metrics_sum_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(metrics)} FROM otel_metrics_sum ${RULE};

CREATE MATERIALIZED VIEW otel_metrics_histogram_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(metrics)} FROM otel_metrics_histogram ${RULE};

CREATE MATERIALIZED VIEW otel_metrics_exponential_histogram_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(metrics)} FROM otel_metrics_exponential_histogram ${RULE};

CREATE MATERIALIZED VIEW otel_metrics_summary_corrections ${ON_CLUSTER} TO ingest_corrections AS
${COUNT(metrics)} FROM otel_metrics_summary ${RULE};
