// Measurements -> Markdown tables that also read well on a terminal.
import { cpus, totalmem } from 'node:os';
import type { MemoryUse } from './memory.ts';
import type { Measurement } from './rounds.ts';
import { SCENARIO_TITLES, type ScenarioName } from './scenarios.ts';
import { TARGET_LABELS, type TargetName } from './targets.ts';

/** A target that used less of its core than this was not at its own limit. */
const SATURATED = 0.9;

interface Conditions {
  readonly date: string;
  readonly pinning: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly tokenBytes: number;
}

export function describeConditions(conditions: Conditions): string {
  const { date, pinning, rounds, seconds, connections, tokenBytes } = conditions;
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  return (
    `${date}; ${machine}; ${process.platform} ${process.arch}; Node ${process.version}; ${pinning}. ` +
    `Medians of ${rounds} interleaved round(s) of ${seconds} s, ${connections} connections; RS256 tokens of ${tokenBytes} bytes.`
  );
}

export function scenarioTable(name: ScenarioName, measurements: readonly Measurement[]): string {
  const heading = `### ${SCENARIO_TITLES[name]}`;
  return `${heading}\n\n${name === 'latency' ? latencyTable(measurements) : throughputTable(measurements)}`;
}

function throughputTable(measurements: readonly Measurement[]): string {
  const ratio = (of: Measurement, to: TargetName, read: (measurement: Measurement) => number) => {
    const other = measurements.find(({ target }) => target === to);
    return other === undefined ? '' : `${(read(of) / read(other)).toFixed(2)}`;
  };
  const rows = measurements.map((measurement) => {
    const speed = ({ requestsPerSecond }: Measurement) => requestsPerSecond;
    const cost = ({ cpuPerRequest }: Measurement) => cpuPerRequest;
    const limit = measurement.busy < SATURATED ? ' †' : '';
    return [
      TARGET_LABELS[measurement.target],
      `${Math.round(measurement.requestsPerSecond).toLocaleString('en')}${limit}`,
      measurement.cpuPerRequest.toFixed(1),
      ratio(measurement, 'direct', speed),
      ratio(measurement, 'bare', speed),
      ratio(measurement, 'express', speed),
      ratio(measurement, 'bare', cost),
      ratio(measurement, 'express', cost),
      mebibytes(measurement.rss),
    ];
  });
  const head = [
    '',
    'requests/s',
    'CPU µs/request',
    'speed : direct',
    'speed : bare',
    'speed : Express',
    'CPU : bare',
    'CPU : Express',
    'RSS MiB',
  ];
  const generator = Math.round(100 * Math.max(...measurements.map(({ loadBusy }) => loadBusy)));
  const note = measurements.some(({ busy }) => busy < SATURATED)
    ? ' † Did not use its core up: the load generator, the server or other work on the machine was the limit.'
    : '';
  return `${table(head, rows)}\nThe load generator used at most ${generator} % of a core.${note}\n`;
}

function latencyTable(measurements: readonly Measurement[]): string {
  const direct = measurements.find(({ target }) => target === 'direct')?.latency;
  const rows = measurements.map(({ target, latency, requestsPerSecond }) => [
    TARGET_LABELS[target],
    (latency?.p50 ?? Number.NaN).toFixed(3),
    (latency?.p99 ?? Number.NaN).toFixed(3),
    direct === undefined || latency === undefined ? '' : (latency.p50 - direct.p50).toFixed(3),
    Math.round(requestsPerSecond).toLocaleString('en'),
  ]);
  return table(['', 'p50 ms', 'p99 ms', 'p50 over direct, ms', 'requests/s'], rows);
}

export function memoryTable(uses: readonly MemoryUse[], streams: number): string {
  const rows = uses.map(({ target, started, perStream }) => [
    TARGET_LABELS[target],
    mebibytes(started),
    (perStream / 1024).toFixed(1),
  ]);
  const head = ['', 'RSS MiB, started', `KiB per open stream (${streams.toLocaleString('en')} open)`];
  return `### Memory\n\n${table(head, rows)}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`;
}
