"""Print what the images of fckd install, apart from fckd itself: one requirement a line.

python docker/requirements.py node|tracking
"""

import sys
import tomllib
from pathlib import Path


def main(image: str) -> None:
    """Print the requirements of a Ray node or of the tracking server."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    whole = [*project["dependencies"], *extras["student"], *extras["onnx"], *extras["service"]]
    node = [each for each in whole if not each.startswith("fckd[")]
    own = {"node": node, "tracking": [*extras["server"], "boto3"]}[image]
    sys.stdout.write("\n".join([*own, *extras["postgresql"], ""]))


if __name__ == "__main__":
    main(sys.argv[1])
