// SPDX-License-Identifier: GPL-2.0
// Four threads that allocate, collect garbage and count; "PASS" once the file "go" is there and the sums agree.
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

public class Count {
	static final AtomicLong total = new AtomicLong();
	static final AtomicBoolean end = new AtomicBoolean();
	static final AtomicBoolean wrong = new AtomicBoolean();

	static void work(int seed) {
		Map<Integer, String> map = new HashMap<>();
		long n = 0;
		while (!end.get()) {
			int key = (int) (n % 5000);
			String was = map.put(key, "value " + (n * 31 + seed));
			if (was != null && !was.equals("value " + ((n - 5000) * 31 + seed)))
				wrong.set(true);
			n++;
			total.incrementAndGet();
			if (n % 200 == 0)
				try {
					Thread.sleep(5);
				} catch (InterruptedException e) {
					return;
				}
		}
	}

	public static void main(String[] args) throws Exception {
		Thread[] threads = new Thread[4];
		for (int i = 0; i < threads.length; i++) {
			int seed = i;
			threads[i] = new Thread(() -> work(seed));
			threads[i].start();
		}
		while (!Files.exists(Path.of("go"))) {
			Files.writeString(Path.of("progress.new"), total.get() + "\n");
			Files.move(Path.of("progress.new"), Path.of("progress"), StandardCopyOption.REPLACE_EXISTING);
			Thread.sleep(10);
		}
		end.set(true);
		for (Thread t : threads)
			t.join();
		System.out.println(wrong.get() ? "FAIL" : "PASS");
	}
}
