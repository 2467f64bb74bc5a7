SELECT version FROM price_version
