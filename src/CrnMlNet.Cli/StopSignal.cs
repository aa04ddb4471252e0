using System.Runtime.InteropServices;

namespace CrnMlNet.Cli;

/// <summary>
/// Turns the first Ctrl-C (SIGINT) or SIGTERM into a request to stop in good order; the second ends the process at once.
/// </summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action _requested;

    /// <param name="requested">Is called once, on another thread, when stopping is asked for.</param>
    public StopSignal(Action requested)
    {
        _requested = requested;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The exit code that tells which signal it was.</summary>
    public int ExitCode { get; private set; } = Cli.ExitCode.Interrupted;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext signal)
    {
        if (_source.IsCancellationRequested)
        {
            ProgressView.RestoreCursor();
            return;
        }

        signal.Cancel = true;
        ExitCode = signal.Signal == PosixSignal.SIGTERM ? Cli.ExitCode.Terminated : Cli.ExitCode.Interrupted;
        _source.Cancel();
        _requested();
    }
}
