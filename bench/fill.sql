-- Spans made of their number; bench/fill.py fills in what stands in braces.

INSERT INTO otel_traces
    (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
     ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode)
WITH
    {trace} AS trace,
    number % {per_trace} AS place,
    {agents} [trace % {agent_count} + 1] AS agent,
    multiIf(place = 0, 'invoke_agent', place % 3 = 0, 'execute_tool', 'chat') AS operation,
    ['search', 'read_file', 'calculate'][number % 3 + 1] AS tool
SELECT
    now64(9) - INTERVAL 10 MINUTE - INTERVAL {days} DAY
        + toIntervalMillisecond(intDiv(trace * {days} * 86400000, {traces}) + place * 20),
    {trace_id},
    lower(hex(sipHash64(number))),
    if(place = 0, '', lower(hex(sipHash64(number - place)))),
    concat(operation, ' ', multiIf(operation = 'chat', 'gpt-4o', operation = 'execute_tool', tool, agent)),
    if(operation = 'chat', 'Client', 'Internal'),
    concat('shop-', toString(trace % 5)),
    map('service.name', concat('shop-', toString(trace % 5)), 'service.version', '1.2.3', 'host.name', 'host-17'),
    'opentelemetry.instrumentation.openai',
    '2.1.0',
    mapConcat(
        map('gen_ai.operation.name', operation,
            'gen_ai.agent.name', agent,
            'gen_ai.conversation.id', concat('conv_', toString(intDiv(trace, 4)))),
        multiIf(
            operation = 'chat',
            map('gen_ai.provider.name', 'openai',
                'gen_ai.request.model', 'gpt-4o',
                'gen_ai.response.model', 'gpt-4o-2024-08-06',
                'gen_ai.response.id', concat('resp_', lower(hex(cityHash64(number)))),
                'gen_ai.usage.input_tokens', toString(number * 7919 % 5000),
                'gen_ai.usage.output_tokens', toString(number * 104729 % 900),
                'gen_ai.response.finish_reasons', '["stop"]',
                'server.address', 'api.openai.com'),
            operation = 'execute_tool', map('gen_ai.tool.name', tool),
            map('gen_ai.provider.name', 'openai'))),
    1000000 + sipHash64(number) % 1000000000,
    if(sipHash64(number, 1) % 50 = 0, 'Error', 'Ok')
FROM numbers({first}, {count})
