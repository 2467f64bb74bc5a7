-- What the functions of these names are: a name may stand for several, of which each must be safe.
-- Only categories of functions that compute from their arguments are safe, so that one that a
-- later engine adds to read files or to call out is refused until somebody has looked at it.
SELECT
    lower(f.name) AS name,
    max(f.is_aggregate) AS is_aggregate,
    min(f.is_aggregate OR category IN (
        'Arithmetic', 'Arrays', 'Bit', 'Bitmap', 'Comparison', 'Conditional', 'Dates and Times',
        'Distance', 'Encoding', 'Financial', 'Hash', 'IP Address', 'JSON', 'Logical', 'Map',
        'Mathematical', 'Null', 'Random Number', 'Rounding', 'String', 'String Replacement',
        'String Search', 'String Splitting', 'Time Window', 'Tuple',
        'Type Conversion', 'URL', 'UUID')
    OR target IN (
        'bar', 'byteSize', 'caseWithExpression', 'currentDatabase', 'finalizeAggregation',
        'formatReadableDecimalSize', 'formatReadableQuantity', 'formatReadableSize', 'formatReadableTimeDelta',
        'getSubcolumn', 'identity', 'ignore', 'initializeAggregation', 'materialize', 'neighbor',
        'parseReadableSize', 'parseTimeDelta', 'rowNumberInAllBlocks', 'runningAccumulate',
        'runningDifference', 'toTypeName', 'transform', 'version')) AS is_safe
FROM
(
    SELECT name, is_aggregate, if(alias_to = '', name, alias_to) AS target
    FROM system.functions
    WHERE lower(name) IN {names:Array(String)}
) AS f
LEFT JOIN
(
    SELECT name AS target, any(categories) AS category
    FROM system.functions
    GROUP BY name
) AS g USING (target)
GROUP BY lower(f.name)
