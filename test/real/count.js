// SPDX-License-Identifier: GPL-2.0
// Timers, promises, the thread pool and a worker; "PASS" once the file "go" is there and the sums agree.
const crypto = require('crypto');
const fs = require('fs');
const { Worker } = require('worker_threads');

const secret = crypto.randomBytes(8 << 20);
const want = crypto.createHash('sha256').update(secret).digest('hex');
let ticks = 0, hashes = 0, answers = 0, wrong = false;
const worker = new Worker("const { parentPort: p } = require('worker_threads'); p.on('message', n => p.postMessage(n * n));",
	{ eval: true });

worker.on('message', n => {
	if (n !== answers * answers)
		wrong = true;
	answers++;
	setTimeout(() => worker.postMessage(answers), 5);
});
worker.postMessage(0);

function hash() {
	crypto.pbkdf2('secret', 'salt', 100, 32, 'sha256', (err, key) => {
		if (err || key.length !== 32)
			wrong = true;
		hashes++;
		setTimeout(hash, 5);
	});
}
hash();

setInterval(() => {
	ticks++;
	fs.writeFileSync('progress.new', `${Math.min(ticks, hashes, answers)}\n`);
	fs.renameSync('progress.new', 'progress');
	if (fs.existsSync('go')) {
		const now = crypto.createHash('sha256').update(secret).digest('hex');
		console.log(now === want && !wrong ? 'PASS' : 'FAIL');
		process.exit(0);
	}
}, 10);
