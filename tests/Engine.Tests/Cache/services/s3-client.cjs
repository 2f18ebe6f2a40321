// AWS's own client: reads an object, writes one in one piece and one in parts, and says what came of it.
//   node s3-client.cjs ENDPOINT BUCKET KEY ACCESS_KEY SECRET_KEY SESSION_TOKEN
const { createHash } = require('crypto');
const aws = require('@aws-sdk/client-s3');

const [endpoint, Bucket, Key, accessKeyId, secretAccessKey, sessionToken] = process.argv.slice(2);
const client = new aws.S3Client({
  endpoint, region: 'eu-west-1', forcePathStyle: true, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey, sessionToken },
  requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED',
});

(async () => {
  const read = await client.send(new aws.GetObjectCommand({ Bucket, Key }));
  console.log('read sha256:' + createHash('sha256').update(await read.Body.transformToByteArray()).digest('hex'));
  await client.send(new aws.PutObjectCommand({ Bucket, Key: 'written/a b+c', Body: 'by its own client' }));
  const { UploadId } = await client.send(new aws.CreateMultipartUploadCommand({ Bucket, Key: 'written/parts' }));
  const Parts = [];
  for (const [index, Body] of ['one ', 'two'].entries()) {
    const { ETag } = await client.send(new aws.UploadPartCommand({ Bucket, Key: 'written/parts', UploadId, PartNumber: index + 1, Body }));
    Parts.push({ ETag, PartNumber: index + 1 });
  }
  await client.send(new aws.CompleteMultipartUploadCommand({ Bucket, Key: 'written/parts', UploadId, MultipartUpload: { Parts } }));
  const whole = await client.send(new aws.GetObjectCommand({ Bucket, Key: 'written/parts' }));
  console.log('parts ' + await whole.Body.transformToString());
})().catch((error) => { console.log('error ' + error.name); process.exitCode = 1; });
