"""Show what a Ray job says until it has ended, and end with its exit code.

python cluster/follow.py JOB

`ray job submit` does the same but ends with 0 or 1 whatever the job's code was.
"""

import asyncio
import logging
import sys
import time

from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

STOPPED = 143
"""Ray does not keep the code of a stopped job; this is what fckd ends with after SIGTERM."""
SIGNALLED = 128


def main(job: str) -> int:
    """Return the exit code of `job` when it has ended."""
    logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.WARNING)
    try:
        client = JobSubmissionClient()
        asyncio.run(_repeat_logs(client, job))
        while not (details := client.get_job_info(job)).status.is_terminal():
            time.sleep(1)
    except (ConnectionError, RuntimeError) as refusal:
        sys.stderr.write(f"how job {job} ended is not known: {refusal}\n")
        return 1
    sys.stderr.write(f"job {job}: {details.status.value.lower()}\n")
    return exit_code(details)


def exit_code(details: JobDetails) -> int:
    """Return what a shell would call the end of this job."""
    if details.status is JobStatus.SUCCEEDED:
        return 0
    if details.status is JobStatus.STOPPED:
        return STOPPED
    code = details.driver_exit_code
    if not code:  # the driver never ran, or its node was lost
        sys.stderr.write(f"{details.message}\n")
        return 1
    return SIGNALLED - code if code < 0 else code


async def _repeat_logs(client: JobSubmissionClient, job: str) -> None:
    async for lines in client.tail_job_logs(job):
        sys.stdout.write(lines)
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
