import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** All that came. */
  readonly text: string;
}

/** Opens a socket; what the server sends is gathered until it closes. */
export function open(port: number): { socket: Socket; answer: Promise<RawAnswer> } {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  const answer = new Promise<RawAnswer>((resolve) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A reset after the answer is how the other side may end; what had come by then is what counts.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const [head = '', body = ''] = text.split('\r\n\r\n', 2);
      resolve({ status: Number(head.split(' ')[1] ?? 0), head: head.toLowerCase(), body, text });
    });
  });
  return { socket, answer };
}

/** Sends bytes as they are and waits for the server to answer and close. */
export function exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const { socket, answer } = open(port);
  socket.write(bytes);
  return answer;
}

/** The code in the body of a raw answer. */
export function rawCode(answer: RawAnswer): unknown {
  return JSON.parse(answer.body).errors[0].extensions.code;
}
