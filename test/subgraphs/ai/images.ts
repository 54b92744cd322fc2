/** The smallest images, as Base64. */
export const PNG_1X1 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const JPEG_1X1 = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9aa', 'hex').toString(
  'base64',
);
