using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using CrnMlNet.Torch.Backend;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using Spectre.Console;
using static TorchSharp.torch;

namespace CrnMlNet.Cli.Commands;

/// <summary><c>crn bench</c>: how fast this machine paints photos.</summary>
internal static class BenchCommand
{
    private const int DefaultHeight = 256;
    private const int DefaultWidth = 512;

    public static Command Create()
    {
        var model = new Option<string?>("--model", "-m") { Description = "The model that 'crn train' made. [default: a network of random weights, which takes as long]", HelpName = "model.zip" };
        var height = new Option<int?>("--height") { Description = $"Without a model: the photo's height. [default: {DefaultHeight}]", HelpName = "PIXELS" };
        var width = new Option<int?>("--width") { Description = $"Without a model: the photo's width. [default: {DefaultWidth}]", HelpName = "PIXELS" };
        var widthFactor = new Option<double?>("--width-factor") { Description = "Without a model: factor on the number of feature maps. [default: 1, the paper's network]", HelpName = "FACTOR" };
        var rounds = new Option<int?>("--rounds") { Description = $"How often each is timed, in turn. [default: {SynthesisBench.FewestRounds}, and more of small photos]", HelpName = "N" };
        var batch = new Option<int>("--batch") { Description = "Photos painted at once.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var threads = new Option<int?>("--threads") { Description = "Threads of each. [default: one for each core]", HelpName = "N" };
        var alone = new Option<bool>("--alone") { Description = "Leave ONNX Runtime and TorchSharp out: for large photos, which these take minutes and many GB for." };
        var json = new Option<bool>("--json") { Description = "Write one line of JSON instead, for scripts; seconds are of one photo, and null is what was not measured." };
        var command = new Command("bench",
            """
            Times the painting of photos on this machine's processor: CrnMlNet, ONNX Runtime on the same network as 'crn export' writes it, and
            libtorch's own operators by TorchSharp, one after the other in the same process, several rounds; shows medians and ratios.

            Examples:
              crn bench
              crn bench --model model.zip --rounds 10
              crn bench --height 256 --width 512 --json
              crn bench --height 1024 --width 2048 --alone --rounds 1

            Let nothing else compute meanwhile. The JSON has float32Seconds, bfloat16Seconds (null where the processor has no bfloat16
            arithmetic), bfloat16StaysInFloat32 (whether the processor multiplies float32 faster, so that bfloat16 is not taken),
            onnxRuntimeFloat32Seconds and torchSharpFloat32Seconds (null with --alone), and more.
            """)
        {
            model, height, width, widthFactor, rounds, batch, threads, alone, json,
        };
        command.SetAction(parsed => Run(
            parsed.GetValue(model), parsed.GetValue(height), parsed.GetValue(width), parsed.GetValue(widthFactor),
            parsed.GetValue(rounds), parsed.GetRequiredValue(batch), parsed.GetValue(threads), parsed.GetValue(alone), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string? modelPath, int? height, int? width, double? widthFactor, int? rounds, int batch, int? threads, bool alone, bool json)
    {
        if (rounds < 1)
            throw new ArgumentException($"--rounds is {rounds}; it is at least 1.");
        if (batch is < 1 or > Synthesizer.LargestBatch)
            throw new ArgumentException($"--batch is {batch}; it is from 1 to {Synthesizer.LargestBatch}.");
        if (threads < 1)
            throw new ArgumentException($"--threads is {threads}; it is at least 1.");
        if (modelPath is not null && (height ?? width ?? widthFactor) is not null)
            throw new ArgumentException("--height, --width and --width-factor are of a network of random weights; a model (--model) has its own.");

        TorchBackend.Start();
        if (threads is { } count)
            set_num_threads(count);
        using var stop = new StopSignal(() => { });
        using var model = modelPath is null
            ? SynthesisBench.RandomModel(height ?? DefaultHeight, width ?? DefaultWidth, widthFactor ?? 1)
            : ModelFile.Load(new MLContext(), modelPath);
        if (!alone && model.WithNetwork(network => network is not CascadedRefinementNetwork))
            throw new ArgumentException($"The model has a {model.Architecture.Name}, which is not exported to ONNX. Measure CrnMlNet by itself with --alone.");
        using var bench = new SynthesisBench(model, batch);
        try
        {
            var times = json
                ? bench.Run(rounds, alone, (_, _, _) => { }, stop.Token)
                : ProgressView.Show(view => Show(view, bench, rounds, alone, stop.Token));
            if (json)
                Console.WriteLine(JsonSerializer.Serialize(times, ScriptJson.OneLine));
            else
                Write(times);
            return ExitCode.Success;
        }
        catch (OperationCanceledException)
        {
            return stop.ExitCode;
        }
    }

    private static SynthesisTimes Show(ProgressView view, SynthesisBench bench, int? rounds, bool alone, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        return bench.Run(
            rounds, alone,
            (what, done, total) => view.Report(new Progress("Measuring", done, total, $"{ProgressView.Clock(clock.Elapsed, done, total)}  {what}")), stop);
    }

    private static void Write(SynthesisTimes times)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{times.Height}x{times.Width}, {times.Parameters:N0} parameters, {times.Threads} {(times.Threads == 1 ? "thread" : "threads")}, {times.Batch} at once, medians of {times.Rounds}:"));
        var table = new Table().RoundedBorder().AddColumns(
            new TableColumn("way"), new TableColumn("seconds a photo").RightAligned(), new TableColumn("photos/s").RightAligned(),
            new TableColumn("of ONNX Runtime's time").RightAligned(), new TableColumn("PSNR").RightAligned());
        Add("CrnMlNet, float32", times.Float32Seconds, times.Float32Psnr);
        Add(times.BFloat16StaysInFloat32 ? "CrnMlNet, bfloat16 (float32 is faster here)" : "CrnMlNet, bfloat16", times.BFloat16Seconds, times.BFloat16Psnr);
        Add("ONNX Runtime, float32", times.OnnxRuntimeFloat32Seconds, null);
        Add("TorchSharp, float32", times.TorchSharpFloat32Seconds, null);
        AnsiConsole.Write(table);
        if (times.Float32Speedup is { } speedup)
            Console.WriteLine(FormattableString.Invariant($"CrnMlNet paints {speedup:0.00} times as fast as ONNX Runtime in float32 (median of the rounds)."));
        Console.WriteLine(FormattableString.Invariant(
            $"The first photo took {times.FirstPhotoSeconds:0.00} s; {times.Float32CoresUsed:0.00} cores were used; the process took up to {MemoryEstimate.Show(times.PeakBytes)}."));

        void Add(string way, double? seconds, double? psnr)
        {
            if (seconds is { } value)
                table.AddRow(
                    way, Number(value, "0.000"), Number(1 / value, "0.00"), Number(value / times.OnnxRuntimeFloat32Seconds, "0.00"), psnr is null ? "" : Number(psnr, "0.0") + " dB");
        }

        static string Number(double? value, string format) => value?.ToString(format, System.Globalization.CultureInfo.InvariantCulture) ?? "";
    }
}
