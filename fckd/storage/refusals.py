"""What boto3 complains of, said so that a user can mend it; no secret is repeated."""

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004, its name in botocore
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from s3transfer.exceptions import RetriesExceededError

from fckd.errors import Halted, UserError

REFUSALS = (BotoCoreError, Boto3Error, ClientError, RetriesExceededError)
"""Everything that boto3 raises."""

CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
UNREACHABLE = (ConnectionError, HTTPClientError, IncompleteReadError, RetriesExceededError)
BUSY = (429, 500, 502, 503, 504)
"""Status codes of a service that may carry it out in a moment."""
TOO_SLOW = "RequestTimeout"
"""What S3 calls a request that came too slowly; its status is that of a mistake, 400."""
WRONG_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")
UNEXPLAINED = "400"
"""The answer to a HEAD has no room for S3's own code, such as ExpiredToken."""
DENIED = ("AccessDenied", "AllAccessDisabled", "403")


def may_pass(refusal: Exception) -> bool:
    """Return whether the same request may succeed in a moment, though nobody mends anything."""
    if isinstance(refusal, ClientError):
        status = refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status in BUSY or refusal.response.get("Error", {}).get("Code") == TOO_SLOW
    return isinstance(refusal, UNREACHABLE)


def explained(refusal: Exception, place: str, endpoint: str) -> UserError:
    """Return the user's error for one of `REFUSALS`: `Halted` if it may pass by itself.

    Args:
        refusal: What boto3 raised.
        place: The address of the bucket or object.
        endpoint: Host of the S3 service.
    """
    told = _explained(refusal, place, endpoint)
    return Halted(told.given, told.expected, told.remedy) if may_pass(refusal) else told


def _explained(refusal: Exception, place: str, endpoint: str) -> UserError:
    if isinstance(refusal, CREDENTIALS):
        return UserError(
            f"{place}: no credentials for S3 ({refusal})",
            "credentials where boto3 looks for them",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, on every node",
        )
    if isinstance(refusal, UNREACHABLE):
        return UserError(
            f"{place}: no S3 service answers at {endpoint} ({type(refusal).__name__})",
            "an S3 service that can be reached from this machine",
            "check AWS_ENDPOINT_URL and that the service runs; what was finished is kept, so run "
            "the same command again",
        )
    if isinstance(refusal, ClientError):
        return _answered(refusal, place, endpoint)
    return UserError(
        f"{place}: {refusal}",
        "an S3 client that boto3 can set up and use",
        "check the AWS_… variables and the AWS configuration file",
    )


def _answered(refusal: ClientError, place: str, endpoint: str) -> UserError:
    answer = refusal.response.get("Error", {})
    code = answer.get("Code", "unknown")
    if code == "NoSuchBucket":
        return UserError(
            f"{place}: there is no such bucket at {endpoint}",
            "a bucket that exists",
            "create it, or correct storage or AWS_ENDPOINT_URL",
        )
    if code in WRONG_KEY:
        return UserError(
            f"{place}: {endpoint} does not accept the credentials ({code})",
            "the key and secret of an account of this service",
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL",
        )
    if code == UNEXPLAINED:
        return UserError(
            f"{place}: {endpoint} does not accept {refusal.operation_name} and does not say why "
            "(400): the credentials may have expired",
            "credentials that are valid still",
            "renew AWS_SESSION_TOKEN and its key, or use a role; else check AWS_ENDPOINT_URL",
        )
    if code in DENIED:
        return UserError(
            f"{place}: {endpoint} denies access ({code})",
            "credentials that may list the bucket, and get and put objects in it",
            "give the account s3:ListBucket, s3:GetObject and s3:PutObject there, or use another",
        )
    return UserError(
        f"{place}: {endpoint} refuses {refusal.operation_name}: {code} {answer.get('Message', '')}",
        "an S3 service that carries it out",
        "look into the service; what was finished is kept, so run the same command again",
    )
