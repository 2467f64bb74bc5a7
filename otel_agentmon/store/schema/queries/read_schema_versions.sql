SELECT version, name, checksum FROM agentmon_schema_versions ORDER BY version
