#!/bin/bash
# component.sh start|stop|kill|alive NAME...: single processes of a cluster that is up, for tests of failures.
. "$(dirname "$0")/settings.sh"
. "$BARE/components.sh"
is_up || die "the cluster is not up"
action=${1:-}
for name in "${@:2}"; do
  [ "$(type -t "start_$name")" = function ] || die "no component $name; there are: $COMPONENTS kwok"
  case $action in
    start)
      "start_$name"
      sleep 0.3
      must_run "$name"
      ;;
    stop) stop "$name" TERM ;;
    kill) stop "$name" KILL ;;
    alive) if is_alive "$name"; then echo "$name running"; else echo "$name stopped"; fi ;;
    *) die "usage: component.sh start|stop|kill|alive NAME..." ;;
  esac
done
