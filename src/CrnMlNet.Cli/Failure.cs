using System.Reflection;
using System.Runtime.InteropServices;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Training;

namespace CrnMlNet.Cli;

/// <summary>Makes one line on stderr of an exception that a user can act on, and a stack trace of any other.</summary>
internal static class Failure
{
    /// <summary>The environment variable that adds the stack trace.</summary>
    public const string DebugVariable = "CRN_DEBUG";

    /// <summary>Tells of it on stderr.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(Exception exception)
    {
        var cause = Cause(exception);
        bool expected = IsExpected(cause);
        Console.Error.WriteLine($"crn: {(expected ? Describe(cause) : $"unexpected fault: {cause.Message}")}");
        if (!expected || Environment.GetEnvironmentVariable(DebugVariable) == "1")
            Console.Error.WriteLine(exception);
        return cause is TrainingDivergedException ? ExitCode.Diverged : expected ? ExitCode.Failure : ExitCode.Bug;
    }

    /// <summary>What ML.NET's reflection wraps.</summary>
    public static Exception Cause(Exception exception)
    {
        while (exception is TargetInvocationException { InnerException: { } inner })
            exception = inner;
        return exception;
    }

    /// <summary>What is wrong, in one line; for a libtorch that does not start, with the list of what was tried.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        TorchBackendException => exception.Message,
        InsufficientMemoryException => exception.Message,
        OutOfMemoryException => "The memory does not suffice. Choose a smaller size, width factor or batch.",
        // .NET adds "(Parameter 'x')" and the value on a second line; native code adds its stack.
        ArgumentOutOfRangeException { ActualValue: { } value } e => $"{WithoutParameter(e)} Given: {value}.",
        ArgumentException e => WithoutParameter(e),
        ExternalException => FirstLine(exception.Message),
        // The library names its options; here they are flags, of which the model keeps the first.
        _ => exception.Message.ReplaceLineEndings(" ")
            .Replace("set UnknownLabels = Void", "train or import with --unknown-labels void")
            .Replace("delete the folder or name another one", "add --fresh")
            .Replace("WarmStartModelPath", "--warm-start")
            .Replace("SegmenterPath", "--segmenter"),
    };

    private static bool IsExpected(Exception exception) => exception switch
    {
        ObjectDisposedException or ArgumentNullException => false,
        IOException or UnauthorizedAccessException or InvalidDataException or FormatException => true,
        InvalidOperationException or ArgumentException or ArithmeticException => true,
        TorchBackendException or ExternalException or OutOfMemoryException => true,
        _ => false,
    };

    private static string WithoutParameter(ArgumentException exception)
        => FirstLine(exception.Message).Replace($" (Parameter '{exception.ParamName}')", "");

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd();
}
