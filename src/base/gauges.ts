// Gauges that are read at each scrape, and those that every program has. No metric of any domain.
import { Gauge, type Registry } from 'prom-client';

/** A gauge whose value is read at each scrape. */
export function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** Memory and CPU time of this process, under the names that Prometheus clients give them. */
export function addProcessGauges(registry: Registry): void {
  addGauge(registry, 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  addGauge(registry, 'process_cpu_seconds_total', 'User and system CPU time.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
