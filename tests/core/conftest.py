"""One S3 server for all tests of the core."""

from tests.s3 import bucket, s3_port  # noqa: F401  # fixtures are found by name
