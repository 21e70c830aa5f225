// A sidecar before a server that reads requests by the letter and answers byte by byte as the test says.
import { RecordingServer } from '../oracles/recording-server.ts';
import { TestBed } from './sidecar.ts';

export interface RecordingBed {
  readonly server: RecordingServer;
  readonly bed: TestBed;
  readonly stop: () => Promise<void>;
}

export async function startRecordingBed(): Promise<RecordingBed> {
  const server = await RecordingServer.start();
  const bed = await TestBed.start({ config: () => ({ logLevel: 'info', upstream: { url: server.url } }) });
  return { server, bed, stop: () => bed.stop().then(() => server.close()) };
}
