// SPDX-License-Identifier: GPL-2.0
// About 700 MB of objects that two threads keep replacing, so that the garbage collector is always at work; each object
// knows what it must hold. "PASS" once the file "go" is there and none was ever wrong.
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

public class Heap {
	static final int OBJECTS = 350_000;
	static final int SIZE = 2000;
	static final AtomicLong total = new AtomicLong();
	static final AtomicBoolean end = new AtomicBoolean();
	static final AtomicBoolean wrong = new AtomicBoolean();

	static final class Item {
		final int seed;
		final byte[] data = new byte[SIZE];

		Item(int seed) {
			this.seed = seed;
			for (int i = 0; i < SIZE; i++)
				data[i] = (byte) (seed + i * 31);
		}

		boolean isRight() {
			for (int i = 0; i < SIZE; i++)
				if (data[i] != (byte) (seed + i * 31))
					return false;
			return true;
		}
	}

	static void work(Item[] items, int from, int step) {
		int i = from, n = 0;
		while (!end.get()) {
			if (!items[i].isRight())
				wrong.set(true);
			items[i] = new Item(items[i].seed + 1);
			i += step * 37;
			if (i >= items.length)
				i = i % step == from ? i % items.length / step * step + from : from;
			if (i >= items.length)
				i = from;
			total.incrementAndGet();
			if (++n % 500 == 0)
				try {
					Thread.sleep(2);
				} catch (InterruptedException e) {
					return;
				}
		}
	}

	public static void main(String[] args) throws Exception {
		Item[] items = new Item[OBJECTS];
		for (int i = 0; i < items.length; i++)
			items[i] = new Item(i);
		Thread[] threads = new Thread[2];
		for (int i = 0; i < threads.length; i++) {
			int from = i;
			threads[i] = new Thread(() -> work(items, from, threads.length));
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
		for (Item item : items)
			if (!item.isRight())
				wrong.set(true);
		System.out.println(wrong.get() ? "FAIL" : "PASS");
	}
}
