CREATE TABLE IF NOT EXISTS agentmon_schema_versions
(
    version UInt32,
    name String,
    checksum String,
    applied_unix_nano UInt64
)
ENGINE = ${ENGINE}
ORDER BY version
