// Preloaded into every measured process (`node --import`): answers what it has used. Does nothing between questions.
import type { UsageReply } from './messages.ts';

process.on('message', (message: { kind?: string }) => {
  if (message.kind !== 'usage') return;
  const { user, system } = process.cpuUsage();
  const reply: UsageReply = { kind: 'usage', cpu: user + system, rss: process.memoryUsage.rss() };
  process.send?.(reply);
});

// The channel ends with the benchmark, whatever killed it: nothing stays behind.
process.on('disconnect', () => process.exit(0));
