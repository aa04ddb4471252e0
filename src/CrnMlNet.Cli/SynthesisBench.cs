using System.Diagnostics;
using System.Text.Json.Serialization;
using CrnMlNet.Data;
using CrnMlNet.Onnx;
using CrnMlNet.Persistence;
using CrnMlNet.Torch.Inference;
using CrnMlNet.Torch.Layouts;
using CrnMlNet.Torch.Networks;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Cli;

/// <summary>How fast photos are painted on this machine's processor. Seconds are medians, of one photo; null is what was not measured.</summary>
/// <param name="Height">The photo's.</param>
/// <param name="Width">The photo's.</param>
/// <param name="Parameters">Numbers that the network has learned.</param>
/// <param name="Threads">Of each contestant.</param>
/// <param name="Batch">Photos painted at once.</param>
/// <param name="Rounds">How often each was timed, in turn with the others.</param>
/// <param name="FirstPhotoSeconds">CrnMlNet's first photo, for which it prepares filters.</param>
/// <param name="Float32Seconds">CrnMlNet in float32.</param>
/// <param name="BFloat16Seconds">CrnMlNet asked for bfloat16; null where the processor emulates that.</param>
/// <param name="BFloat16StaysInFloat32">Whether it painted the same photo as in float32, because the processor multiplies that faster.</param>
/// <param name="OnnxRuntimeFloat32Seconds">ONNX Runtime on the exported graph; null where the others were left out.</param>
/// <param name="TorchSharpFloat32Seconds">libtorch's own operators through TorchSharp; null where the others were left out.</param>
/// <param name="Float32Speedup">The median of ONNX Runtime's time over CrnMlNet's in the same round.</param>
/// <param name="Float32Psnr">How near CrnMlNet's photo is to that of libtorch's own operators, in dB on the scale of 0 to 255, before rounding.</param>
/// <param name="BFloat16Psnr">The same in bfloat16.</param>
/// <param name="Float32CoresUsed">Processor time over time while CrnMlNet paints.</param>
/// <param name="PeakBytes">The most memory that the process had when CrnMlNet, and nothing else, had painted.</param>
internal sealed record SynthesisTimes(
    int Height, int Width, long Parameters, int Threads, int Batch, int Rounds, double FirstPhotoSeconds, double Float32Seconds, [property: JsonPropertyName("bfloat16Seconds")] double? BFloat16Seconds,
    [property: JsonPropertyName("bfloat16StaysInFloat32")] bool BFloat16StaysInFloat32,
    double? OnnxRuntimeFloat32Seconds, double? TorchSharpFloat32Seconds, double? Float32Speedup, double? Float32Psnr, [property: JsonPropertyName("bfloat16Psnr")] double? BFloat16Psnr, double Float32CoresUsed, long PeakBytes);

/// <summary>Times a model against the same network in ONNX Runtime and in plain libtorch, all of them in turn in one process.</summary>
internal sealed class SynthesisBench : IDisposable
{
    /// <summary>How often each is timed at least, unless told otherwise.</summary>
    public const int FewestRounds = 3;

    // The median of few photos that take milliseconds is the machine's mood.
    private const int MostRounds = 30;
    private const double EnoughSeconds = 6;

    private readonly SynthesizeFromLabelsTransformer _model;
    private readonly int _batch;
    private readonly byte[] _ids;
    private readonly float[] _photos;

    /// <param name="model">The model, on the CPU. Stays the caller's to dispose.</param>
    /// <param name="batch">How many photos at once.</param>
    public SynthesisBench(SynthesizeFromLabelsTransformer model, int batch)
    {
        var architecture = model.Architecture;
        (_model, _batch) = (model, batch);
        _ids = [.. Enumerable.Range(0, batch).SelectMany(number => Blocks(architecture, number))];
        _photos = new float[3L * architecture.ImagesPerLayout * _ids.Length];
    }

    /// <summary>A model of random weights.</summary>
    public static SynthesizeFromLabelsTransformer RandomModel(int height, int width, double widthFactor)
    {
        var palette = LabelPalette.Cityscapes;
        var architecture = new CrnArchitecture { Channels = palette.ChannelCount, Height = height, Width = width, WidthFactor = widthFactor };
        // How it was trained only matters to who saves it.
        var model = new SynthesisModel("Labels", "Synthesized", new LabelDecoder(palette, LabelEncoding.Index, UnknownLabelPolicy.Void), architecture, Training: null!);
        model.CheckMemory();
        return new SynthesizeFromLabelsTransformer(new MLContext(), model, new CascadedRefinementNetwork(architecture, seed: 1));
    }

    /// <summary>Times.</summary>
    /// <param name="asked">How often each is timed; null: as often as it takes some seconds.</param>
    /// <param name="alone">Whether the others are left out.</param>
    /// <param name="report">Is told what is done and how much of it there is.</param>
    /// <param name="stop">Ends the work between two measurements.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public SynthesisTimes Run(int? asked, bool alone, Action<string, int, int> report, CancellationToken stop)
    {
        bool hasBFloat16 = BFloat16Support.IsNative(CPU) && _model.WithNetwork(network => network is CascadedRefinementNetwork);
        int rounds = asked ?? FewestRounds, contestants = 1 + (hasBFloat16 ? 1 : 0) + (alone ? 0 : 2), done = 0;
        double first = Time("CrnMlNet", () => Paint(SynthesisPrecision.Float32));
        rounds = asked ?? Math.Clamp((int)(EnoughSeconds / (first * _batch)), FewestRounds, MostRounds);
        var float32 = _photos.ToArray();
        double cores = 0;
        List<double> ours = [], shorts = [], onnx = [], torchSharp = [];
        void TimeOurs()
        {
            using var process = Process.GetCurrentProcess();
            var before = process.TotalProcessorTime;
            ours.Add(Time("CrnMlNet", () => Paint(SynthesisPrecision.Float32)));
            process.Refresh();
            cores = Math.Max(cores, (process.TotalProcessorTime - before).TotalSeconds / ours[^1]);
        }

        // The memory of the others is not to count.
        int countedAlone = alone ? rounds : 1;
        for (int round = 0; round < countedAlone; round++)
            TimeOurs();
        long peak = PeakMemory();

        float[]? bfloat16 = null, direct = null;
        if (hasBFloat16)
        {
            Time("bfloat16", () => Paint(SynthesisPrecision.BFloat16));
            bfloat16 = _photos.ToArray();
        }

        using var session = alone ? null : OpenOnnx();
        var layouts = alone ? null : OneHot();
        if (session is not null)
        {
            Time("ONNX Runtime", () => RunOnnx(session, layouts!));
            Time("TorchSharp", () => direct = RunTorchSharp());
        }

        for (int round = 0; round < rounds; round++)
        {
            if (round >= countedAlone)
                TimeOurs();
            if (hasBFloat16)
                shorts.Add(Time("bfloat16", () => Paint(SynthesisPrecision.BFloat16)));
            if (session is null)
                continue;
            onnx.Add(Time("ONNX Runtime", () => RunOnnx(session, layouts!)));
            torchSharp.Add(Time("TorchSharp", () => RunTorchSharp()));
        }

        var architecture = _model.Architecture;
        return new SynthesisTimes(
            architecture.Height, architecture.Width, architecture.ParameterCount(), get_num_threads(), _batch, rounds, first, Median(ours)!.Value, Median(shorts),
            bfloat16?.SequenceEqual(float32) == true, Median(onnx), Median(torchSharp), Median([.. onnx.Zip(ours, (other, own) => other / own)]), Psnr(float32, direct), Psnr(bfloat16, direct), cores, peak);

        double Time(string what, Action work)
        {
            stop.ThrowIfCancellationRequested();
            report(what, done++, (rounds + 1) * contestants);
            var clock = Stopwatch.StartNew();
            work();
            return clock.Elapsed.TotalSeconds / _batch;
        }
    }

    public void Dispose() => _model.Precision = SynthesisPrecision.Auto;

    private void Paint(SynthesisPrecision precision)
    {
        _model.Precision = precision;
        _model.WithAllImages(synthesizer =>
        {
            synthesizer.Synthesize(_ids, _photos);
            return true;
        });
    }

    private float[] RunTorchSharp() => _model.WithNetwork(network =>
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var architecture = network.Architecture;
        var ids = torch.tensor(_ids, [_batch, architecture.Height, architecture.Width]);
        return network.call(SemanticLayout.OneHot(ids, architecture.Channels)).clamp_(0, 255).contiguous().data<float>().ToArray();
    });

    private InferenceSession OpenOnnx()
    {
        var folder = Directory.CreateTempSubdirectory("crn-bench");
        try
        {
            string path = Path.Combine(folder.FullName, "model.onnx");
            OnnxExporter.Export(_model, path, OnnxInput.OneHot);
            using var options = new SessionOptions { IntraOpNumThreads = get_num_threads() };
            return new InferenceSession(path, options);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private DenseTensor<float> OneHot()
    {
        var architecture = _model.Architecture;
        int pixels = architecture.Height * architecture.Width;
        var layouts = new DenseTensor<float>([_batch, architecture.Channels, architecture.Height, architecture.Width]);
        for (int i = 0; i < _ids.Length; i++)
            layouts.Buffer.Span[(i / pixels * architecture.Channels + _ids[i]) * pixels + i % pixels] = 1;
        return layouts;
    }

    private static void RunOnnx(InferenceSession session, DenseTensor<float> layouts)
        => session.Run([NamedOnnxValue.CreateFromTensor(OnnxExporter.LayoutName, layouts)]).Dispose();

    /// <summary>Rectangles of classes.</summary>
    private static byte[] Blocks(SynthesisArchitecture architecture, int number)
    {
        const int side = 24;
        var random = new Random(number);
        int across = architecture.Width / side + 1;
        var blocks = new byte[across * (architecture.Height / side + 1)];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = (byte)random.Next(architecture.Channels);
        return [.. Enumerable.Range(0, architecture.Height * architecture.Width).Select(i => blocks[i / architecture.Width / side * across + i % architecture.Width / side])];
    }

    private static double? Psnr(float[]? photos, float[]? direct)
    {
        if (photos is null || direct is null)
            return null;
        double error = photos.Zip(direct, (a, b) => ((double)a - b) * (a - b)).Average();
        return 10 * Math.Log10(255 * 255 / error);
    }

    private static double? Median(List<double> values)
    {
        if (values.Count == 0)
            return null;
        values = [.. values.Order()];
        int middle = values.Count / 2;
        return values.Count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    private static long PeakMemory()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
