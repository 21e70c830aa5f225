// One JSON line per event, constant lower-case message, variables as fields. Not an access log.
import { pino, type Logger as PinoLogger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type Logger = PinoLogger;

/** Field names that could carry a credential by mistake: the last net, not the first. */
const CREDENTIAL_FIELDS = ['authorization', 'token', 'cookie', 'headers'];

/**
 * A logger that writes JSON lines to standard output.
 * Tokens, keys and header maps must never be passed to it; the redaction here only backs that rule up.
 */
export function createLogger(program: string, level: LogLevel): Logger {
  return pino({
    level,
    base: { program },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: [...CREDENTIAL_FIELDS, ...CREDENTIAL_FIELDS.map((field) => `*.${field}`)],
  });
}
