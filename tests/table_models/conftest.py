from table_models import houses, models, parts, table  # noqa: F401
