// One JSON line per event, constant lower-case message, variables as fields. Not an access log.
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type Logger = PinoLogger;

/** Field names that could carry a credential by mistake: the last net, not the first. */
const CREDENTIAL_FIELDS = ['authorization', 'token', 'cookie', 'headers'];

/**
 * A logger that writes JSON lines.
 * Tokens, keys and header maps must never be passed to it; the redaction here only backs that rule up.
 * @param destination standard output if not given, for which the program waits
 */
export function createLogger(
  program: string,
  level: LogLevel,
  destination: DestinationStream = pino.destination(1),
): Logger {
  const options = {
    level,
    base: { program },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: errorFields },
    redact: [...CREDENTIAL_FIELDS, ...CREDENTIAL_FIELDS.map((field) => `*.${field}`)],
  };
  return pino(options, destination);
}

/** What is expected to fail has a code, and says all in its message, with those of its causes; a stack is for defects. */
function errorFields(error: Error): object {
  const fields = pino.stdSerializers.err(error);
  const { type, message } = fields;
  return isDefect(error) ? fields : { type, code: (error as NodeJS.ErrnoException).code, message };
}

function isDefect(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error instanceof TypeError || error instanceof RangeError;
}
