using System.Diagnostics;
using System.Runtime.CompilerServices;
using CrnMlNet.Torch.Backend;
using TorchSharp;

namespace CrnMlNet.Torch.Tests.Backend;

/// <summary>
/// A process starts libtorch once and never lets it go, so each other way of starting needs a process of its own: this
/// test program again, which with the variable set starts libtorch, prints a sum, a measurement or the error, and ends.
/// </summary>
internal static class StartInOwnProcess
{
    public const string Variable = "CRN_TESTS_START_AND_END";

    public static (int ExitCode, string Output) Run(string? program = null, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { program ?? typeof(StartInOwnProcess).Assembly.Location },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Variable] = "1", ["CRN_LIBTORCH"] = null },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    [ModuleInitializer]
    internal static void StartAndEnd()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
            return;

        try
        {
            TorchBackend.Start();
            if (Environment.GetEnvironmentVariable(Variable) == FreedMemoryTests.Measurement)
                FreedMemoryTests.Measure();
            else
                Console.WriteLine($"sum {torch.ones(3).sum().item<float>()}");
            Environment.Exit(0);
        }
        catch (TorchBackendException exception)
        {
            Console.WriteLine(exception.Message);
            Environment.Exit(3);
        }
    }
}
