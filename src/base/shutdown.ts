// Turns the first termination signal of the process into an AbortSignal. Stops nothing itself.

/** One Ctrl-C can arrive twice: from the terminal to the whole group, and again from npm, which relays it. */
const SAME_KEYSTROKE_MS = 1_000;

/** Aborts on the first SIGTERM or SIGINT; a second one, a second or more later, ends the process with code 130. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted && Date.now() - first > SAME_KEYSTROKE_MS) process.exit(130);
    if (controller.signal.aborted) return;
    first = Date.now();
    controller.abort(name);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', onSignal); // The terminal was closed.
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
