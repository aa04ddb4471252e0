using System.Runtime.InteropServices;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Training;

public sealed class DeviceMemoryTests
{
    private const string CudasWords =
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.50 GiB of which 512.00 MiB is free. Process 7 has 22.9 GiB memory in use.";

    [Fact]
    public void WhatLibtorchCannotAllocateIsAnOutOfMemoryException()
    {
        var exception = Assert.ThrowsAny<OutOfMemoryException>(() => DeviceMemory.Guard(TooMuch, capacity => $"Of {capacity?.ToString() ?? "unknown"} bytes."));

        Assert.IsType<ExternalException>(exception.InnerException);
        Assert.StartsWith("The device's memory does not suffice. Of unknown bytes. (libtorch: ", exception.Message);
        Assert.DoesNotContain('\n', exception.Message);
    }

    [Fact]
    public void AnyOtherFaultStaysWhatItIs()
        => Assert.Throws<ExternalException>(() => DeviceMemory.Guard(() => torch.ones(2).reshape(3), _ => ""));

    [Fact]
    public void CudasWordsAreKnown()
    {
        Assert.True(DeviceMemory.IsOutOfMemory(new ExternalException(CudasWords)));
        Assert.Equal(23L * (1 << 30) + (1 << 29), DeviceMemory.Capacity(CudasWords));
        Assert.Equal(512L << 20, DeviceMemory.Capacity("a total capacity of 512 MiB"));
    }

    [Fact]
    public void TrainingThatRunsOutOfMemorySaysSo()
    {
        using var network = new CascadedRefinementNetwork(new CrnArchitecture
        {
            Channels = ShadedShapes.Channels,
            Height = ShadedShapes.Height,
            Width = ShadedShapes.Width,
            WidthFactor = 1.0 / 32,
        });
        using var perception = new Greedy();

        var exception = Assert.ThrowsAny<OutOfMemoryException>(() => Trainer.Train(
            network, perception, ShadedShapes.Pairs(4, seed: 1), new TrainingOptions { BatchSize = 4 }, _ => { }, _ => { }, CancellationToken.None));

        Assert.StartsWith("The device's memory does not suffice. ", exception.Message);
        Assert.Contains("libtorch: ", exception.Message);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(24L << 30)]
    public void WhatWouldFitIsLessThanWhatDidNot(long? capacity)
    {
        var paper = new CrnArchitecture { Channels = 20, Height = 512, Width = 1024 };

        string advice = Trainer.WhatFits(paper, new() { BatchSize = 8 }, pairs: 100, validates: false, capacity);

        Assert.StartsWith("This would fit: batches of ", advice);
        Assert.DoesNotContain("batches of 8", advice);
    }

    // 2^58 bytes are above the address space of any processor of today.
    private static Tensor TooMuch() => torch.empty([1L << 58], ScalarType.Byte);

    /// <summary>Takes more memory than there is.</summary>
    private sealed class Greedy : IPerceptionNetwork
    {
        public string Description => "greedy";

        public IReadOnlyList<string> Taps => ["all"];

        public IReadOnlyList<Tensor> Features(Tensor images) => [TooMuch()];

        public void Dispose()
        {
        }
    }
}
