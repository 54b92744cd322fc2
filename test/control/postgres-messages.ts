/** A message of a session, by its type. */
export function message(type: string, content = ''): Buffer {
  return Buffer.concat([Buffer.from(type, 'latin1'), sized(Buffer.from(content))]);
}

/** What a session begins with: version three unless another code is given. */
export function beginning(code = 196_608): Buffer {
  const content = Buffer.alloc(4);
  content.writeInt32BE(code);
  return sized(content);
}

function sized(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + content.length);
  return Buffer.concat([length, content]);
}
