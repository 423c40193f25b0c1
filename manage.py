"""Run a management command; in embedded mode the private PostgreSQL is held for as long as it runs."""

import os
import sys


def main() -> None:
    """Run the command; a problem that the user can mend is one sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    from registry.embedded import Refused, hold_services
    from registry.environment import SettingMissing

    try:
        with hold_services(sys.argv[1:]) as arguments:
            from django.core.management import execute_from_command_line

            execute_from_command_line([sys.argv[0], *arguments])
    except (Refused, SettingMissing) as problem:
        sys.exit(str(problem))
    except BrokenPipeError:  # whoever read the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
