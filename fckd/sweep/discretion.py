"""Ray Tune hands the driver's AWS credentials to its trials, in clear text; here it does not.

It copies them into every trial's runtime environment, which Ray writes to its logs and shows in its
dashboard. Our trials are proxies that need none, and workers read their own node's environment.
"""

from ray.tune.execution import class_cache

CREDENTIALS = frozenset(
    {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"}
)


def keep_credentials() -> None:
    """Let Ray Tune pass on no credentials of this process from now on."""
    # Ray has no setting for it.
    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(CREDENTIALS)
