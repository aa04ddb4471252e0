using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Pipelines;
using CrnMlNet.Torch.Backend;
using Microsoft.ML;
using TorchSharp;

namespace CrnMlNet.Tests.Training;

/// <summary>Where training computes, and a loaded model: on a machine without a GPU, or with one.</summary>
public class DeviceTests(TrainedModel trained)
{
    [Fact]
    public void The_options_device_outranks_that_of_the_context()
    {
        var (mlContext, log) = Context(gpu: 77, fallback: false);
        var options = Samples.TinyOptions();
        options.Device = "cpu";

        using var transformer = mlContext.Transforms.SynthesizeFromLabels(options).Fit(Pairs(mlContext));

        Assert.Contains(log, line => line.EndsWith("parameters on cpu.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_GPU_that_is_not_there_is_an_error_unless_the_CPU_may_serve()
    {
        SkipWithGpu();
        var (strict, _) = Context(gpu: 0, fallback: false);
        var (lenient, log) = Context(gpu: 0, fallback: true);
        var forbidden = Samples.TinyOptions();
        forbidden.FallbackToCpu = false;

        Assert.Contains("cuda:0", Assert.Throws<InvalidOperationException>(() => strict.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(Pairs(strict))).Message);
        Assert.Throws<InvalidOperationException>(() => lenient.Transforms.SynthesizeFromLabels(forbidden).Fit(Pairs(lenient)));
        using var transformer = lenient.Transforms.SynthesizeFromLabels(Samples.TinyOptions()).Fit(Pairs(lenient));

        Assert.Contains(log, line => line.Contains("cuda:0 was asked for") && line.Contains("computing on the CPU"));
    }

    [Fact]
    public void The_options_fallback_outranks_that_of_the_context()
    {
        SkipWithGpu();
        var (mlContext, _) = Context(gpu: null, fallback: false);
        var options = Samples.TinyOptions();
        (options.Device, options.FallbackToCpu) = ("cuda", true);

        mlContext.Transforms.SynthesizeFromLabels(options).Fit(Pairs(mlContext)).Dispose();
    }

    [Fact]
    public void A_model_loads_on_the_contexts_device()
    {
        SkipWithGpu();
        var (strict, _) = Context(gpu: 0, fallback: false);
        var (lenient, _) = Context(gpu: 0, fallback: true);

        Assert.ThrowsAny<Exception>(() => strict.Model.Load(trained.Path, out _));
        using var loaded = (SynthesizeFromLabelsTransformer)lenient.Model.Load(trained.Path, out _);

        using var labels = Samples.Labels(1);
        using var expected = trained.Transformer.Synthesize(labels);
        using var photo = loaded.Synthesize(labels);
        Assert.Equal(expected.Pixels(), photo.Pixels());
    }

    [Fact]
    public void What_a_GPU_trained_the_CPU_loads_and_continues()
    {
        TorchBackend.Start();
        if (!torch.cuda.is_available())
            Assert.Skip("There is no GPU here.");
        using var folder = new TemporaryFolder();
        var (mlContext, log) = Context(gpu: 0, fallback: false);
        using var cancellation = new CancellationTokenSource();
        var options = Samples.TinyOptions();
        options.Epochs = 3;
        options.CheckpointFolder = folder["checkpoints"];
        options.CancellationToken = cancellation.Token;
        options.Progress = _ => cancellation.Cancel();
        using (var onGpu = mlContext.Transforms.SynthesizeFromLabels(options).Fit(Pairs(mlContext)))
            mlContext.Model.Save(onGpu, null, folder["model.zip"]);

        (options.Device, options.CancellationToken, options.Progress) = ("cpu", default, null);
        using var continued = mlContext.Transforms.SynthesizeFromLabels(options).Fit(Pairs(mlContext));
        using var loaded = (SynthesizeFromLabelsTransformer)new MLContext().Model.Load(folder["model.zip"], out _);

        Assert.Contains(log, line => line.Contains("cuda:0"));
        Assert.Equal((1L, 12L), (loaded.Training.Steps, continued.Training.Steps));
        using var labels = Samples.Labels(1);
        using var photo = loaded.Synthesize(labels);
        Assert.Equal(Samples.Width, photo.Width);
    }

    private static (MLContext Context, List<string> Log) Context(int? gpu, bool fallback)
    {
        var log = new List<string>();
        var mlContext = new MLContext(seed: 1) { GpuDeviceId = gpu, FallbackToCpu = fallback };
        mlContext.Log += (_, e) => log.Add(e.RawMessage);
        return (mlContext, log);
    }

    private static IDataView Pairs(MLContext mlContext) => mlContext.Data.LoadFromEnumerable(Samples.Pairs());

    private static void SkipWithGpu()
    {
        TorchBackend.Start();
        if (torch.cuda.is_available())
            Assert.Skip("There is a GPU here.");
    }
}
