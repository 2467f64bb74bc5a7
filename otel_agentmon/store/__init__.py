"""The database: the one file that opens it, migrations, and the loader that feeds it."""
