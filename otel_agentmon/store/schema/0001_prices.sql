-- The price book: which model a name means, and what that model cost on a day.
--
-- The loader of prices fills both tables from the genai-prices package; the dictionaries make
-- them readable from DEFAULT expressions. Names are looked up as `provider/model`, lower case.

CREATE TABLE price_model_names ${ON_CLUSTER}
(
    id UInt64,
    parent_id UInt64,
    regexp String,
    keys Array(String),
    values Array(String)
)
ENGINE = ${ENGINE}
ORDER BY id;

-- A dictionary of expressions must not be empty; this one matches no name.
INSERT INTO price_model_names VALUES (1, 0, '^$', ['model'], ['']);

CREATE DICTIONARY price_model_name ${ON_CLUSTER}
(
    regexp String,
    model String
)
PRIMARY KEY regexp
SOURCE(CLICKHOUSE(QUERY 'SELECT id, parent_id, regexp, keys, values FROM ${DATABASE}.price_model_names'))
LAYOUT(REGEXP_TREE)
LIFETIME(0);

CREATE TABLE price_periods ${ON_CLUSTER}
(
    -- The model as the price book names it, `provider/model`.
    model String,
    valid_from Date,
    valid_until Date,
    -- `provider/model@valid_from`, the prices that held from that day on.
    period String,
    -- Above so many input tokens another row of prices holds, for all tokens of the call.
    tier_1_above UInt64,
    tier_2_above UInt64
)
ENGINE = ${ENGINE}
ORDER BY (model, valid_from);

CREATE DICTIONARY price_period ${ON_CLUSTER}
(
    model String,
    valid_from Date,
    valid_until Date,
    period String
)
PRIMARY KEY model
SOURCE(CLICKHOUSE(DB '${DATABASE}' TABLE 'price_periods'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN valid_from MAX valid_until)
LIFETIME(0);

CREATE DICTIONARY price_tier ${ON_CLUSTER}
(
    period String,
    tier_1_above UInt64,
    tier_2_above UInt64
)
PRIMARY KEY period
SOURCE(CLICKHOUSE(QUERY 'SELECT period, tier_1_above, tier_2_above FROM ${DATABASE}.price_periods'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(0);

CREATE TABLE price_amounts ${ON_CLUSTER}
(
    -- `period#tier`, tier 0 to 2: what a span's cost was computed with.
    price_id String,
    -- US dollars for one token; a class without a price of its own costs what its neighbour does.
    input Decimal(18, 12),
    cache_read Decimal(18, 12),
    cache_write Decimal(18, 12),
    output Decimal(18, 12)
)
ENGINE = ${ENGINE}
ORDER BY price_id;

CREATE DICTIONARY price_amount ${ON_CLUSTER}
(
    price_id String,
    input Decimal(18, 12),
    cache_read Decimal(18, 12),
    cache_write Decimal(18, 12),
    output Decimal(18, 12)
)
PRIMARY KEY price_id
SOURCE(CLICKHOUSE(DB '${DATABASE}' TABLE 'price_amounts'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(0);

-- One row: which prices the tables hold.
CREATE TABLE price_version ${ON_CLUSTER}
(
    version String
)
ENGINE = ${ENGINE}
ORDER BY version;
