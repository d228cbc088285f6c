"""docker-py, Debian's python3-docker, finds the engine by DOCKER_HOST and does real work."""

import io
import socket
import tarfile
import threading
import unittest

import docker
from docker import errors, types


class DockerPy(unittest.TestCase):
    def setUp(self):
        self.client = docker.from_env()
        self.addCleanup(self.client.close)

    def started(self, command, **options):
        container = self.client.containers.run("busybox", command, detach=True, **options)
        self.addCleanup(container.remove, force=True, v=True)
        return container

    def serving(self, command, **options):
        """A container whose command listens on port 80, once it does."""
        container = self.started(command, init=True, **options)
        container.exec_run(["sh", "-c", "until netstat -ltn | grep -q ':80 '; do usleep 10000; done"])
        return container

    def test_run_returns_output_and_raises_on_failure(self):
        output = self.client.containers.run("busybox", ["echo", "hello"], remove=True)
        self.assertEqual(output, b"hello\n")
        with self.assertRaises(errors.ContainerError) as caught:
            self.client.containers.run("busybox", "sh -c 'echo oops >&2; exit 4'", remove=True)
        self.assertEqual(caught.exception.exit_status, 4)
        self.assertIn(b"oops", caught.exception.stderr)
        with self.assertRaises(errors.ImageNotFound):
            self.client.containers.create("no-such-image")

    def test_attach_socket_carries_both_directions(self):
        container = self.client.containers.create("busybox", "cat", stdin_open=True, tty=True)
        self.addCleanup(container.remove, force=True)
        stream = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
        container.start()
        stream._sock.sendall(b"over and back\n")
        received = b""
        while received.count(b"over and back") < 2:
            received += stream._sock.recv(1024)
        stream._sock.shutdown(socket.SHUT_RDWR)

    def test_exec_tells_outputs_apart_and_its_exit_code(self):
        container = self.started("sleep 100")
        script = "echo $WHO in $(pwd); echo bad >&2; exit 3"
        result = container.exec_run(["sh", "-c", script], environment={"WHO": "me"}, workdir="/tmp", demux=True)
        self.assertEqual(result.exit_code, 3)
        self.assertEqual(result.output, (b"me in /tmp\n", b"bad\n"))

    def test_logs_stream_to_the_end_and_wait_tells_the_exit(self):
        container = self.started("sh -c 'for n in 1 2 3; do echo line $n; usleep 2000; done; exit 2'")
        self.assertEqual(b"".join(container.logs(stream=True, follow=True)), b"line 1\nline 2\nline 3\n")
        self.assertEqual(container.wait(timeout=30)["StatusCode"], 2)
        self.assertEqual(container.logs(tail=1), b"line 3\n")

    def test_events_reach_a_listener(self):
        events = self.client.events(decode=True, filters={"label": "of=docker-py-events", "type": "container"})
        seen = []

        def listen():
            for event in events:
                seen.append(event["Action"])
                if event["Action"] == "destroy":
                    break

        listener = threading.Thread(target=listen)
        listener.start()
        self.client.containers.run("busybox", "true", labels={"of": "docker-py-events"}).decode()
        for container in self.client.containers.list(all=True, filters={"label": "of=docker-py-events"}):
            container.remove()
        listener.join(timeout=30)
        events.close()
        self.assertEqual(seen, ["create", "start", "die", "destroy"])

    def test_archives_go_in_and_out(self):
        container = self.started("sleep 100")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            member = tarfile.TarInfo("greeting")
            member.size = 5
            tar.addfile(member, io.BytesIO(b"hello"))
        self.assertTrue(container.put_archive("/tmp", archive.getvalue()))
        chunks, stat = container.get_archive("/tmp/greeting")
        self.assertEqual((stat["name"], stat["size"]), ("greeting", 5))
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            self.assertEqual(tar.extractfile("greeting").read(), b"hello")

    def test_build_tells_its_log_and_its_error(self):
        dockerfile = io.BytesIO(b"FROM busybox\nARG WHO\nRUN echo built by $WHO\n")
        options = {"tag": "docker-py-built", "buildargs": {"WHO": "me"}, "rm": True, "nocache": True}
        image, log = self.client.images.build(fileobj=dockerfile, **options)
        self.addCleanup(self.client.images.remove, image.id, force=True)
        self.assertIn("built by me", "".join(entry.get("stream", "") for entry in log))
        self.assertIn("docker-py-built:latest", image.tags)
        with self.assertRaises(errors.BuildError):
            self.client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 7\n"))

    def test_images_are_saved_and_loaded(self):
        image = self.client.images.get("busybox")
        self.assertTrue(image.tag("docker-py-saved", "v1"))
        archive = b"".join(self.client.images.get("docker-py-saved:v1").save(named="docker-py-saved:v1"))
        self.client.images.remove("docker-py-saved:v1")
        [loaded] = self.client.images.load(archive)
        self.addCleanup(self.client.images.remove, "docker-py-saved:v1")
        self.assertIn("docker-py-saved:v1", loaded.tags)
        self.assertEqual(loaded.id, image.id)

    def test_volumes_and_mounts_of_all_types(self):
        volume = self.client.volumes.create("docker-py-volume", labels={"of": "docker-py"})
        self.addCleanup(volume.remove)
        mounts = [
            types.Mount("/data", volume.name, type="volume"),
            types.Mount("/scratch", None, type="tmpfs", tmpfs_size=1 << 20),
        ]
        script = "echo kept > /data/file; df -k /scratch | tail -1 | tr -s ' ' | cut -d' ' -f2"
        output = self.client.containers.run("busybox", ["sh", "-c", script], mounts=mounts, remove=True)
        self.assertEqual(output, b"1024\n")
        volumes = {volume.name: {"bind": "/data", "mode": "ro"}}
        script = "cat /data/file; touch /data/other || echo refused"
        output = self.client.containers.run("busybox", ["sh", "-c", script], volumes=volumes, remove=True)
        self.assertEqual(output, b"kept\nrefused\n")

    def test_containers_find_each_other_on_a_network_by_alias(self):
        ipam = types.IPAMConfig(pool_configs=[types.IPAMPool("10.211.7.0/24")])
        network = self.client.networks.create("docker-py-network", ipam=ipam)
        self.addCleanup(network.remove)
        server = self.serving("httpd -f -h /etc")
        network.connect(server, aliases=["files"], ipv4_address="10.211.7.77")
        output = self.client.containers.run(
            "busybox", "wget -q -O - http://files/hostname", network=network.name, remove=True
        )
        self.assertEqual(output.decode().strip(), server.attrs["Config"]["Hostname"])
        server.reload()
        self.assertEqual(server.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"], "10.211.7.77")
        network.disconnect(server)

    def test_published_ports_statistics_processes_and_changes(self):
        options = {"ports": {"80/tcp": ("127.0.0.1", None)}, "mem_limit": "32m"}
        container = self.serving("sh -c 'touch /new; httpd -f'", **options)
        container.reload()
        [published] = container.ports["80/tcp"]
        with socket.create_connection((published["HostIp"], int(published["HostPort"])), timeout=10) as connection:
            connection.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            self.assertIn(b"404", connection.recv(1024))
        statistics = container.stats(stream=False)
        self.assertEqual(statistics["memory_stats"]["limit"], 32 << 20)
        self.assertTrue(any("httpd" in " ".join(process) for process in container.top()["Processes"]))
        self.assertIn({"Path": "/new", "Kind": 1}, container.diff())

    def test_update_pause_restart_and_rename(self):
        container = self.started("sleep 100", init=True)
        container.update(mem_limit="64m", memswap_limit="64m")
        container.pause()
        container.reload()
        self.assertEqual((container.status, container.attrs["HostConfig"]["Memory"]), ("paused", 64 << 20))
        container.unpause()
        container.restart(timeout=1)
        container.rename("docker-py-renamed")
        self.assertEqual(self.client.containers.get("docker-py-renamed").status, "running")
        container.stop(timeout=1)
        container.reload()
        self.assertEqual(container.status, "exited")

    def test_info_version_ping_and_disk_usage(self):
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.version()["Os"], "linux")
        self.assertEqual(self.client.info()["OSType"], "linux")
        self.assertTrue(any("busybox:latest" in (image["RepoTags"] or []) for image in self.client.df()["Images"]))
        low = docker.DockerClient.from_env(version="1.24")
        self.addCleanup(low.close)
        self.assertEqual(low.containers.run("busybox", "echo old", remove=True), b"old\n")


if __name__ == "__main__":
    unittest.main()
