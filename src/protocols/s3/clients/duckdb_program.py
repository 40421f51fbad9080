"""DuckDB with its httpfs extension: COPY to the door, globs, ranges, a tag as it was."""
import glob
import os

import duckdb
import duckdb_extension_httpfs

from kit import BUCKET, HOST, KEY, PREFIX, REGION, SECRET, TAG_BUCKET, TAG_PREFIX, refusal

duck = duckdb.connect(config={"allow_unsigned_extensions": "true"})
[extension] = glob.glob(os.path.dirname(duckdb_extension_httpfs.__file__) + "/**/httpfs.duckdb_extension", recursive=True)
duck.execute(f"LOAD '{extension}'")


def secret(value):
    duck.execute(
        f"CREATE OR REPLACE SECRET door (TYPE s3, KEY_ID '{KEY}', SECRET '{value}', REGION '{REGION}', ENDPOINT '{HOST}', URL_STYLE 'path', USE_SSL false)"
    )


rows = lambda sql: duck.execute(sql).fetchall()
secret(SECRET)
root = f"s3://{BUCKET}/{PREFIX}duck"
duck.execute(f"COPY (SELECT i, i % 7 AS k, md5(i::VARCHAR) AS text FROM range(500_000) t(i)) TO '{root}/one table.parquet' (ROW_GROUP_SIZE 50_000)")
assert rows(f"SELECT count(*), sum(i) FROM read_parquet('{root}/one table.parquet')") == [(500_000, 124999750000)]
assert rows(f"SELECT text = md5('499999') FROM read_parquet('{root}/one table.parquet') WHERE i = 499_999") == [(True,)]
duck.execute(f"COPY (SELECT i, i % 7 AS k FROM range(7000) t(i)) TO '{root}/parts' (FORMAT parquet, PARTITION_BY k)")
assert rows(f"SELECT count(*), count(DISTINCT k) FROM read_parquet('{root}/parts/**/*.parquet', hive_partitioning = true)") == [(7000, 7)]
assert rows(f"SELECT count(*) FROM read_parquet('{root}/parts/k=[0-2]/*.parquet')") == [(3000,)]
duck.execute(f"COPY (SELECT i, i % 7 AS k FROM range(70) t(i)) TO '{root}/parts' (FORMAT parquet, PARTITION_BY k, OVERWRITE)")
assert rows(f"SELECT count(*) FROM read_parquet('{root}/parts/*/*.parquet')") == [(70,)]
duck.execute(f"COPY (SELECT 'ü, +&%' AS text) TO '{root}/ünï code+&%.csv'")
assert rows(f"SELECT text FROM read_csv('{root}/ünï code+&%.csv')") == [("ü, +&%",)]
assert len(rows(f"SELECT file FROM glob('{root}/*.*')")) == 2
assert len(rows(f"SELECT file FROM glob('s3://{BUCKET}/{PREFIX}many/**')")) == 2500
assert rows(f"SELECT content FROM read_text('s3://{TAG_BUCKET}/{TAG_PREFIX}tagged.txt')") == [("as it was",)]
assert "403" in str(refusal(lambda: duck.execute(f"COPY (SELECT 1) TO 's3://{TAG_BUCKET}/{TAG_PREFIX}x.csv'"), duckdb.Error))
assert "404" in str(refusal(lambda: rows(f"SELECT * FROM read_parquet('{root}/none.parquet')"), duckdb.Error))
secret("wrong")
assert "403" in str(refusal(lambda: rows(f"SELECT * FROM read_parquet('{root}/one table.parquet')"), duckdb.Error))
