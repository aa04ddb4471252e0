using System.Net;
using System.Net.Sockets;

namespace BatchScoring.Tests;

/// <summary>Slurm's own daemons, of two nodes, on this machine; see <c>slurm/cluster.sh</c>.</summary>
internal sealed class SlurmCluster : IDisposable
{
    private static readonly string Script = Path.Combine(AppContext.BaseDirectory, "slurm", "cluster.sh");

    private readonly TemporaryFolder _folder = new();

    private SlurmCluster() => Shell.Run(_folder.Path, $"'{Script}' start . {string.Join(' ', FreePorts(3))} > /dev/null");

    /// <summary>What tells Slurm's commands of this cluster.</summary>
    public (string, string) Variable => ("SLURM_CONF", _folder["slurm.conf"]);

    /// <summary>Starts it. The test is skipped where Slurm is not installed.</summary>
    public static SlurmCluster Start()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Slurm runs on Linux.");
        string[] missing = [.. new[] { "slurmctld", "slurmd", "sbatch", "munged" }.Where(program => Shell.Try("/", $"command -v {program}").ExitCode != 0)];
        Assert.SkipWhen(missing.Length > 0, $"Slurm is not installed ({string.Join(", ", missing)}); Debian's packages are slurm-wlm and munge.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Slurm's daemons want to be root.");
        return new SlurmCluster();
    }

    /// <summary>The process of a program that a task of an array runs; null: there is none.</summary>
    public static int? ProcessOf(string program, int task)
    {
        foreach (string folder in Directory.GetDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(folder, "comm")).TrimEnd() == program && File.ReadAllText(Path.Combine(folder, "environ")).Split('\0').Contains($"SLURM_ARRAY_TASK_ID={task}"))
                    return int.Parse(Path.GetFileName(folder));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended.
            }
        }

        return null;
    }

    /// <summary>What the daemons wrote, for messages.</summary>
    public string Logs() => string.Join('\n', Directory.GetFiles(_folder.Path, "*.log").Select(File.ReadAllText));

    public void Dispose()
    {
        Shell.Try("/", $"'{Script}' stop '{_folder.Path}'");
        _folder.Dispose();
    }

    private static int[] FreePorts(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            return [.. listeners.Select(listener =>
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            })];
        }
        finally
        {
            Array.ForEach(listeners, listener => listener.Dispose());
        }
    }
}
