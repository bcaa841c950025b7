# What Compose of generation 1 (docker-compose 1.29) makes of files: reads one question a line as JSON, answers one line. By its own code.
import json
import logging
import os
import sys

from compose.cli.command import get_config_from_options, get_config_path_from_options, get_project_dir, get_project_name
from compose.config import config
from compose.config.environment import Environment
from compose.volume import ProjectVolumes

logging.disable(logging.CRITICAL)


def ask(question):
    os.chdir(question["directory"])
    os.environ.clear()
    os.environ.update(question["environment"])
    options = {"--file": question["files"] or None}
    # As compose.cli.command.project_from_options, but for the client.
    override = get_project_dir(options)
    environment = Environment.from_env_file(override or ".")
    details = config.find(".", get_config_path_from_options(options, environment), environment, override)
    project = get_project_name(details.working_dir, question.get("projectName") or None, environment)
    volumes = ProjectVolumes.from_config(project, get_config_from_options(".", options), None).volumes
    return {
        "project": project,
        "volumes": {
            key: {
                "name": each.full_name,
                "driver": each.driver or "",
                "options": each.driver_opts,
                "external": each.external,
            }
            for key, each in volumes.items()
        },
    }


for line in sys.stdin:
    try:
        answer = ask(json.loads(line))
    except Exception as error:
        answer = {"error": str(error) or type(error).__name__}
    print(json.dumps(answer), flush=True)
